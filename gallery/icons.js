/**
 * The signs on buttons. Each is drawn in the colour of its text, and says nothing to readers of screens.
 */

import { shape } from './dom.js'

/** @type {Record<string, string>} what a pen draws in a square of 20 */
const STROKES = {
  before: 'M12.5 4 6.5 10l6 6',
  after: 'M7.5 4l6 6-6 6',
  close: 'M5 5l10 10M15 5 5 15',
  copy: 'M7 7V4h9v9h-3M4 7h9v9H4z',
  save: 'M10 3v9m-4-4 4 4 4-4M4 16h12',
  edit: 'M4 16l1-4 8-8 3 3-8 8zM11.5 5.5l3 3',
  again: 'M15.5 10a5.5 5.5 0 1 1-1.6-3.9L16 8M16 4v4h-4',
  wrong: 'M10 3 18 17H2zM10 8v4M10 14.2v.3',
  done: 'M4 10.5l4 4 8-9',
  wait: 'M10 5.5V10l3 2M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14',
  none: 'M5 10h10',
  bin: 'M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6',
}

/**
 * @param {keyof typeof STROKES} name
 * @returns {SVGElement}
 */
export function icon(name) {
  return shape(
    'svg',
    { class: 'icon', viewBox: '0 0 20 20', 'aria-hidden': 'true' },
    shape('path', { d: STROKES[name] }),
  )
}
