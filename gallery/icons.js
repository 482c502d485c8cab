/**
 * The page's signs, each drawn on 24 by 24.
 */

import { shape } from './dom.js'

const PATHS = {
  search: 'M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.3 15.3 20 20',
  filter: 'M4 7h16M7 12h10M10 17h4',
  close: 'M6 6l12 12M18 6 6 18',
  page: 'M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5',
  broken: 'M4 5h16v14H4zM4 15l4-4 3 3M14 13l2-2 4 4M12 5l-1 4 3 2-2 3 1 5',
  empty: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01',
  again: 'M19 8a8 8 0 1 0 1 5M20 4v4.5h-4.5',
  alarm: 'M12 8v5M12 16.5v.01M12 3 2.5 20h19z',
  tag: 'M4 4h8l8 8-8 8-8-8zM8.5 8.5h.01',
  folder: 'M3 6h6l2 2h10v11H3z',
  name: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4',
  word: 'M5 6h14M5 12h10M5 18h12',
  operator: 'M4 7h16M7 12h10M10 17h4',
}

/**
 * @param {keyof typeof PATHS} name
 */
export function icon(name) {
  return shape('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, shape('path', { d: PATHS[name] }))
}
