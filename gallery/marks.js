/**
 * What stands where on a picture: objects, faces and words of the records, and the words that a search has found.
 */

import { shareSaid } from './format.js'

/** @typedef {import('./types.js').Mark} Mark */
/** @typedef {import('./types.js').Place} Place */
/** @typedef {import('./types.js').AnalysisRecord} AnalysisRecord */
/** @typedef {import('./types.js').ReadPage} TextPage */

/**
 * Objects, brands and faces.
 *
 * @param {AnalysisRecord | null} analysis
 * @returns {Mark[]} in upright pixels of the picture
 */
export function seen(analysis) {
  const { objects = [], brands = [], faces = [] } = analysis?.result ?? {}
  return [
    ...objects.map(({ object, confidence, rectangle: at }) =>
      mark('objects', corners(at.x, at.y, at.w, at.h), `${object} ${shareSaid(confidence)}`),
    ),
    ...brands.map(({ name, confidence, rectangle: at }) =>
      mark('objects', corners(at.x, at.y, at.w, at.h), `${name} ${shareSaid(confidence)}`),
    ),
    ...faces.map(({ faceRectangle: at }) => mark('faces', corners(at.left, at.top, at.width, at.height), 'face')),
  ]
}

/**
 * Words of the page that is shown, and which of them a search has found.
 *
 * @param {{page: TextPage | null, why: import('./types.js').Why[]}} shown
 * @returns {Mark[]} in the unit of the page
 */
export function read({ page, why }) {
  const places = why.flatMap((one) => one.places)
  if (!page) return places.filter((place) => place.page === 1).map(({ box, text }) => mark('found', box, text))
  return page.lines.flatMap(({ words }, line) =>
    words.flatMap((word) => {
      const written = { ...mark('words', word.boundingBox, word.text), line }
      return isFound(word, page.page, places)
        ? [written, { ...written, layer: /** @type {const} */ ('found') }]
        : [written]
    }),
  )
}

/**
 * Whether a word stands where something was found, or is a word that was found elsewhere: a search tells some places,
 * not all.
 *
 * @param {{boundingBox: number[], text: string}} word
 * @param {number} page
 * @param {Place[]} places
 * @returns {boolean}
 */
export function isFound({ boundingBox: box, text }, page, places) {
  const middle = [(box[0] + box[4]) / 2, (box[1] + box[5]) / 2]
  return places.some((place) => alike(place.text, text) || (place.page === page && holds(place.box, middle)))
}

/**
 * @param {string} one
 * @param {string} other
 */
function alike(one, other) {
  return one.toLowerCase() === other.toLowerCase()
}

/**
 * @param {number[]} box four corners in their order around
 * @param {number[]} point
 * @returns {boolean} whether the point is inside
 */
function holds(box, [x, y]) {
  const sides = [0, 2, 4, 6].map((from) => {
    const to = (from + 2) % 8
    return (box[to] - box[from]) * (y - box[from + 1]) - (box[to + 1] - box[from + 1]) * (x - box[from])
  })
  return sides.every((side) => side >= 0) || sides.every((side) => side <= 0)
}

/**
 * @param {'objects' | 'faces' | 'words' | 'found'} layer
 * @param {number[]} box
 * @param {string} label
 * @returns {Mark}
 */
function mark(layer, box, label) {
  return { layer, box, label, line: null }
}

/**
 * @param {number} left
 * @param {number} top
 * @param {number} width
 * @param {number} height
 */
function corners(left, top, width, height) {
  return [left, top, left + width, top, left + width, top + height, left, top + height]
}
