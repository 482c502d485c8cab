/**
 * What was found, marked: in a line of words, and on the picture by the box in which it stands.
 */

import { element, shape } from './dom.js'

/** @typedef {import('./types.js').Found} Found */
/** @typedef {import('./types.js').Place} Place */
/** @typedef {import('./types.js').Why} Why */

/** Width by height of the box in which each picture is shown. */
const FRAME = 4 / 3
/** A sheet of paper in inches, where a document has no picture that a browser can show. */
const SHEET = { width: 8.5, height: 11 }
/** The least share of the picture's width that is shown around a word: what surrounds it tells what it is. */
const LEAST_SHARE = 0.45
/** How much wider than its word the part that is shown is. */
const AROUND = 2.6

/**
 * How a picture lies in its box.
 *
 * @param {Found} found
 * @param {Place[]} places to be seen of it; none for its thumbnail
 * @returns {{address: string | null, whole: boolean, style: Record<string, string>,
 *   extent: {width: number, height: number} | null}}
 *   the address of the picture, whether it is the whole one, and where it lies in shares of the box. `extent` is the
 *   size by which places are measured, null where they cannot be shown.
 */
export function framed(found, places) {
  const plain = { address: found.thumbnail, whole: false, style: {}, extent: null }
  if (!places.length) {
    return found.thumbnail || !found.picture ? plain : { ...plain, address: `${found.picture}&side=400` }
  }
  const extent = extentOf(found, places)
  if (!extent) return plain
  const part = partAround(places, extent)
  const address =
    found.picture && `${found.picture}${pageOf(places)}&side=${part.width < extent.width * 0.8 ? 800 : 400}`
  return { address, whole: true, style: lying(part, extent), extent }
}

/**
 * The outlines of places, to lie over the picture.
 *
 * @param {Place[]} places
 * @param {{width: number, height: number}} extent
 */
export function marks(places, extent) {
  const outlines = places.map(({ box }) => {
    const points = widened(box)
    return shape('g', {}, shape('polygon', { points, class: 'under' }), shape('polygon', { points, class: 'over' }))
  })
  const viewBox = `0 0 ${extent.width} ${extent.height}`
  return shape('svg', { class: 'marks', viewBox, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, ...outlines)
}

/**
 * The words of places as they stand on a sheet that has no picture.
 *
 * @param {Place[]} places
 * @param {{width: number, height: number}} extent
 */
export function written(places, extent) {
  const words = places.map(({ box, text }) => {
    const [left, right, top, bottom] = edges(box)
    const size = bottom - top
    const length = right - left
    return shape(
      'text',
      {
        x: left,
        y: bottom - size * 0.2,
        'font-size': size * 0.85,
        textLength: length,
        lengthAdjust: 'spacingAndGlyphs',
      },
      text,
    )
  })
  const viewBox = `0 0 ${extent.width} ${extent.height}`
  return shape('svg', { class: 'written', viewBox, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, ...words)
}

/**
 * The corners of a box with some room around the word, which its outline would hide otherwise.
 *
 * @param {number[]} box
 */
function widened(box) {
  const [left, right, top, bottom] = edges(box)
  const room = Math.min(right - left, bottom - top) * 0.14
  const corners = Array.from({ length: box.length / 2 }, (_, at) => {
    const [x, y] = [box[at * 2], box[at * 2 + 1]]
    return `${x + Math.sign(x - (left + right) / 2) * room},${y + Math.sign(y - (top + bottom) / 2) * room}`
  })
  return corners.join(' ')
}

/**
 * @param {number[]} box
 * @returns {[number, number, number, number]} left, right, top, bottom
 */
function edges(box) {
  const xs = box.filter((_, at) => at % 2 === 0)
  const ys = box.filter((_, at) => at % 2 === 1)
  return [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
}

/**
 * A text with what was found in it as marks.
 *
 * @param {string} text
 * @param {Why[]} why
 * @param {Why['field'][]} fields
 * @returns {(string | HTMLElement)[]}
 */
export function emphasized(text, why, fields) {
  const wanted = why
    .filter(({ field, matched }) => fields.includes(field) && matched)
    .map(({ matched }) => escaped(matched))
  if (!wanted.length) return [text]
  const pieces = text.split(new RegExp(`(${wanted.join('|')})`, 'giu'))
  return pieces.map((piece, at) => (at % 2 ? element('mark', {}, piece) : piece)).filter((piece) => piece !== '')
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/gu, '\\$&')
}

/** @param {Place[]} places */
function pageOf(places) {
  return places[0].page > 1 ? `&page=${places[0].page}` : ''
}

/**
 * @param {Found} found
 * @param {Place[]} places
 */
function extentOf(found, places) {
  if (places[0].unit === 'pixel') {
    return found.width && found.height ? { width: found.width, height: found.height } : null
  }
  // A landscape page has places that lie outside of an upright one.
  const [, right] = edges(places.flatMap(({ box }) => box))
  return right > SHEET.width ? { width: SHEET.height, height: SHEET.width } : SHEET
}

/**
 * The part of the picture that is shown: of the frame's shape, around the places, with enough around them.
 *
 * @param {Place[]} places
 * @param {{width: number, height: number}} extent
 */
function partAround(places, extent) {
  const [left, right, top, bottom] = edges(places.flatMap(({ box }) => box))
  const all = Math.max(extent.width, extent.height * FRAME)
  const wanted = Math.max((right - left) * AROUND, (bottom - top) * FRAME * AROUND, extent.width * LEAST_SHARE)
  const width = Math.min(all, wanted)
  const height = width / FRAME
  return {
    width,
    height,
    x: kept((left + right) / 2 - width / 2, extent.width, width),
    y: kept((top + bottom) / 2 - height / 2, extent.height, height),
  }
}

/**
 * Where a part begins: inside of the picture, or with the picture in its middle.
 *
 * @param {number} begin
 * @param {number} whole
 * @param {number} part
 */
function kept(begin, whole, part) {
  return part >= whole ? (whole - part) / 2 : Math.max(0, Math.min(whole - part, begin))
}

/**
 * @param {{x: number, y: number, width: number, height: number}} part
 * @param {{width: number, height: number}} extent
 */
function lying(part, extent) {
  const share = (/** @type {number} */ length, /** @type {number} */ whole) => `${(length / whole) * 100}%`
  return {
    left: share(-part.x, part.width),
    top: share(-part.y, part.height),
    width: share(extent.width, part.width),
    height: share(extent.height, part.height),
  }
}
