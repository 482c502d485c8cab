/**
 * The thumbnails of an image as they are cut, each with its size.
 */

import { addressOf, showPicture } from './data.js'
import { element } from './dom.js'
import { folded } from './panel.js'

/** @typedef {import('./types.js').Shown} Shown */

/** The largest box of one, in pixels of the screen. */
const MOST = { width: 168, height: 126 }

/**
 * @param {Shown} shown
 * @returns {HTMLElement | null} null of a document, which has none
 */
export function thumbnailsOf({ name, state }) {
  const made = state.thumbnails.filter((one) => one.state === 'done')
  if (!made.length) return null
  const version = `${state.source.etag}-${state.correction?.etag ?? ''}`
  return folded('thumbnails', 'Thumbnails', String(made.length), () => [
    element('ul', { class: 'thumbnails' }, ...made.map((one) => item(name, one, version))),
  ])
}

/**
 * @param {string} name
 * @param {import('./types.js').ThumbnailState} thumbnail
 * @param {string} version
 */
function item(name, { size, format }, version) {
  const [width, height] = size.split('x')
  const image = /** @type {HTMLImageElement} */ (element('img', { alt: '', width, height, loading: 'lazy' }))
  const scale = Math.min(1, MOST.width / Number(width), MOST.height / Number(height))
  // Before it is there, too: what stands below never moves.
  image.style.width = `${Math.round(Number(width) * scale)}px`
  image.style.height = `${Math.round(Number(height) * scale)}px`
  showPicture(image, addressOf('thumbnail', { name, width, height, format, v: version }))
  return element(
    'li',
    {},
    element(
      'figure',
      {},
      image,
      element('figcaption', {}, `${width} × ${height}`, format === 'jpeg' ? '' : ` ${format.toUpperCase()}`),
    ),
  )
}
