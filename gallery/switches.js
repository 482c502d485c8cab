/**
 * What stands below the picture: which marks are on, and which page is shown.
 */

import { element } from './dom.js'
import { icon } from './icons.js'

/** @typedef {import('./types.js').Shown} Shown */
/** @typedef {import('./types.js').Mark} Mark */

const LAYERS = /** @type {const} */ (['found', 'objects', 'faces', 'words'])
const NAMES = { found: 'Found', objects: 'Objects', faces: 'Faces', words: 'Words' }

/** Which layers are on; they stay as they are from image to image. */
const on = new Set(['found'])

/**
 * Whether a mark is to be seen.
 *
 * @param {Mark} mark
 */
export function isOn({ layer }) {
  return on.has(layer)
}

/**
 * @param {HTMLElement} host
 * @param {Mark[]} marks
 * @param {() => void} onSwitched
 */
export function showSwitches(host, marks, onSwitched) {
  for (const layer of LAYERS) {
    const count = marks.filter((mark) => mark.layer === layer).length
    const there = /** @type {HTMLButtonElement | null} */ (host.querySelector(`[data-layer="${layer}"]`))
    const button = there ?? switchOf(layer)
    button.onclick = () => {
      if (!on.delete(layer)) on.add(layer)
      button.setAttribute('aria-pressed', String(on.has(layer)))
      onSwitched()
    }
    button.hidden = count === 0
    button.setAttribute('aria-pressed', String(on.has(layer)))
    const said = /** @type {HTMLElement} */ (button.querySelector('.count'))
    said.textContent = String(count)
    if (!there) host.append(button)
  }
}

/** @param {keyof typeof NAMES} layer */
function switchOf(layer) {
  return /** @type {HTMLButtonElement} */ (
    element(
      'button',
      { type: 'button', class: `switch layer-${layer}`, 'data-layer': layer },
      element('span', { class: 'swatch' }),
      NAMES[layer],
      ' ',
      element('span', { class: 'count' }),
    )
  )
}

/**
 * @param {HTMLElement} host
 * @param {Shown} shown
 * @param {(page: number) => void} onPage
 */
export function showPages(host, { page, pages }, onPage) {
  host.hidden = pages < 2
  if (host.hidden || !page) return
  const had = host.contains(document.activeElement) ? document.activeElement?.getAttribute('data-turn') : null
  const at = page.page
  host.replaceChildren(
    element(
      'button',
      {
        type: 'button',
        class: 'round',
        'aria-label': 'Page before',
        'data-turn': 'before',
        disabled: at === 1,
        onclick: () => onPage(at - 1),
      },
      icon('before'),
    ),
    element('span', { class: 'number' }, `Page ${at} of ${pages}`),
    element(
      'button',
      {
        type: 'button',
        class: 'round',
        'aria-label': 'Next page',
        'data-turn': 'after',
        disabled: at === pages,
        onclick: () => onPage(at + 1),
      },
      icon('after'),
    ),
  )
  if (!had) return
  const again = /** @type {HTMLButtonElement} */ (host.querySelector(`[data-turn="${had}"]`))
  const other = /** @type {HTMLButtonElement} */ (host.querySelector('button:not(:disabled)'))
  ;(again.disabled ? other : again).focus()
}
