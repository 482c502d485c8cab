/**
 * The signs on buttons. Each is drawn in the colour of its text, and says nothing to readers of screens.
 */

import { shape } from './dom.js'

/** What a pen draws in a square of 20. */
const SMALL = {
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

/** What it draws in a square of 24. */
const LARGE = {
  search: 'M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.3 15.3 20 20',
  filter: 'M4 7h16M7 12h10M10 17h4',
  page: 'M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5',
  broken: 'M4 5h16v14H4zM4 15l4-4 3 3M14 13l2-2 4 4M12 5l-1 4 3 2-2 3 1 5',
  empty: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01',
  tag: 'M4 4h8l8 8-8 8-8-8zM8.5 8.5h.01',
  folder: 'M3 6h6l2 2h10v11H3z',
  name: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4',
  word: 'M5 6h14M5 12h10M5 18h12',
  operator: 'M4 7h16M7 12h10M10 17h4',
}

/** @type {Map<string, [number, string]>} the side of the square, and the path in it */
const STROKES = new Map([...squares(20, SMALL), ...squares(24, LARGE)])

/**
 * @param {string} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const [side, d] = STROKES.get(name) ?? [1, '']
  const viewBox = `0 0 ${side} ${side}`
  return shape('svg', { class: 'icon', viewBox, 'aria-hidden': 'true' }, shape('path', { d }))
}

/**
 * @param {number} side
 * @param {Record<string, string>} signs
 * @returns {[string, [number, string]][]}
 */
function squares(side, signs) {
  return Object.entries(signs).map(([name, d]) => [name, [side, d]])
}
