/** What the page's modules give each other, and what its data routes answer. The server does not serve this file. */

export type State = 'complete' | 'pending' | 'deferred' | 'failed'
export type Sort = 'match' | 'date' | 'name'

/** What the page shows; `image` is the name of the one that is open. */
export interface View {
  q: string
  sort: Sort
  image: string | null
}

/** GET data/session */
export interface Session {
  role: 'viewer' | 'editor' | null
  how: 'sign-in' | 'key' | 'open' | null
  person: string | null
  /** Whether people can sign in, and whether there is a GALLERY_KEY. */
  signIn: boolean
  key: boolean
  /** Whether images can be uploaded and deleted here, and the most bytes of one. */
  writable: boolean
  most: number
  version: string
}

/** Where words stand: four corners in pixels of the upright picture, or inches of a document's page. */
export interface Place {
  page: number
  box: number[]
  unit: 'pixel' | 'inch'
  text: string
}

export interface Why {
  field: 'name' | 'caption' | 'alt' | 'tags' | 'text'
  asked: string
  matched: string
  places: Place[]
}

export interface Problem {
  step: 'analysis' | 'thumbnails' | 'text'
  state: 'failed' | 'deferred'
  code: string
  message: string
  action: string
  until: string | null
}

/** An image of GET data/search. `thumbnail` and `picture` are addresses that never change what they show. */
export interface Found {
  name: string
  state: State
  caption: string | null
  alt: string | null
  tags: string[]
  kind: string | null
  width: number | null
  height: number | null
  bytes: number | null
  uploaded: string | null
  taken: string | null
  folder: string
  colour: string | null
  thumbnail: string | null
  /**
   * The whole picture, without its `side`: add `&side=400`, 800 or 1600, and of a TIFF `&page=2` and so on. Null of a
   * PDF, whose pages are drawn from their words, and of what cannot be shown.
   */
  picture: string | null
  same: number
  why: Why[]
  problems: Problem[]
}

export interface Count {
  value: string
  count: number
}

/** GET data/search?q=&sort=&offset=&limit=&name=, with `name` of this image alone. */
export interface Results {
  images: Found[]
  facets: Record<'state' | 'tag' | 'year' | 'month' | 'folder' | 'kind' | 'colour' | 'same', Count[]>
  total: number
  offset: number
  unsearched: number
  building: boolean
}

/** GET data/suggestions?q=: `text` is the whole box with the suggestion in it. */
export interface Suggestion {
  text: string
  label: string
  kind: 'word' | 'tag' | 'folder' | 'name' | 'operator'
  count: number | null
}

/** Documented answers: their types are those of docs/openapi.json, which `make lint` writes. */
export type {
  Correction,
  CorrectionWanted,
  Decision,
  ImageState,
  ReadLine,
  ReadPage,
  Receipt,
  StepProblem,
  Summary,
  ThumbnailState,
} from 'contract'

/** An analysis record (docs/records.md), as far as the page shows it. */
export interface AnalysisRecord {
  source: { width?: number; height?: number; taken?: string; uploaded?: string }
  result: import('contract').ImageAnalysis
}

/** A mark on a picture: its four corners in the unit of the page, and the words beside it. */
export interface Mark {
  layer: 'objects' | 'faces' | 'words' | 'found'
  box: number[]
  label: string
  /** Of a word, the number of its line on the page, from 0. */
  line: number | null
}

/** What the view of one image knows. `page` is the page of its text that is shown, `pages` how many there are. */
export interface Shown {
  session: Session
  name: string
  state: import('contract').ImageState
  analysis: AnalysisRecord | null
  page: import('contract').ReadPage | null
  pages: number
  why: Why[]
  /** What the search says of it, once `looked` is true; null where it does not know the image. */
  found: Found | null
  looked: boolean
}
