/**
 * The list of images with all that stands around it: the search box, facets, failures, the bar of the work.
 */

/**
 * @param {import('./types.js').Session} session
 * @returns {{
 *   show: (view: import('./types.js').View) => void,
 *   refresh: () => void,
 *   neighbour: (name: string, step: 1 | -1) => string | null,
 * }} `show` shows a view, `refresh` asks for everything anew, `neighbour` is the name before or behind another one
 */
export function openList(session) {
  void session
  return { show: () => {}, refresh: () => {}, neighbour: () => null }
}
