/**
 * The sections beside the picture. One that says the same as before stays as it is, with its focus and its scrolling.
 */

import { Refusal } from './data.js'
import { element } from './dom.js'

/** Which sections that can be folded are open; they stay so from image to image. */
const open = new Set(['text', 'thumbnails'])

/** @typedef {{key: string, of: unknown, make: () => HTMLElement | null}} Section `of` is all that it depends on */

/**
 * Show sections in their order.
 *
 * @param {HTMLElement} host
 * @param {Section[]} sections
 */
export function patch(host, sections) {
  const had = focusOf(host)
  const before = new Map([...host.children].map((child) => [child.getAttribute('data-section'), child]))
  const next = sections.flatMap((section) => {
    const print = JSON.stringify(section.of) ?? ''
    const there = before.get(section.key)
    if (there && prints.get(there) === print) return [there]
    const made = section.make()
    if (!made) return []
    made.setAttribute('data-section', section.key)
    prints.set(made, print)
    return [made]
  })
  place(host, next)
  if (had) refocus(host, had)
}

/** @type {WeakMap<Element, string>} what a section was made of */
const prints = new WeakMap()

/**
 * Put elements into a host without taking out one that stays, which would lose its focus.
 *
 * @param {HTMLElement} host
 * @param {Element[]} next
 */
function place(host, next) {
  for (const child of [...host.children]) if (!next.includes(child)) child.remove()
  next.forEach((wanted, index) => {
    if (host.children[index] !== wanted) host.insertBefore(wanted, host.children[index] ?? null)
  })
}

/**
 * @param {HTMLElement} host
 * @returns {{section: string, focus: string | null} | null} where the focus is
 */
function focusOf(host) {
  const active = document.activeElement
  const section = active && host.contains(active) ? active.closest('[data-section]') : null
  if (!active || !section) return null
  return { section: section.getAttribute('data-section') ?? '', focus: active.getAttribute('data-focus') }
}

/**
 * @param {HTMLElement} host
 * @param {{section: string, focus: string | null}} had
 */
function refocus(host, { section, focus }) {
  if (host.contains(document.activeElement)) return
  const there = [...host.children].find((child) => child.getAttribute('data-section') === section)
  const same = focus && there?.querySelector(`[data-focus="${CSS.escape(focus)}"]`)
  const wanted = same || there?.querySelector('button, summary, a') || host
  if (wanted instanceof HTMLElement) wanted.focus({ preventScroll: true })
}

/**
 * A section with a heading.
 *
 * @param {string} title
 * @param {...(Node | string | null | false)} children
 * @returns {HTMLElement}
 */
export function plain(title, ...children) {
  return element('section', { class: 'part' }, element('h3', {}, title), ...children)
}

/**
 * A section that can be folded.
 *
 * @param {string} key by which it stays open or closed from image to image
 * @param {string} title
 * @param {string | null} aside said behind the title
 * @param {() => (Node | string | null)[]} fill called when it is open for the first time
 * @returns {HTMLElement}
 */
export function folded(key, title, aside, fill) {
  const inside = element('div', { class: 'inside' })
  const summary = element(
    'summary',
    { 'data-focus': 'summary' },
    element('h3', {}, title),
    aside ? element('span', { class: 'aside' }, aside) : null,
  )
  const details = /** @type {HTMLDetailsElement} */ (element('details', { class: 'part' }, summary, inside))
  let filled = false
  const fillOnce = () => {
    if (filled) return
    filled = true
    inside.append(...fill().filter((child) => child !== null))
  }
  details.open = open.has(key)
  if (details.open) fillOnce()
  details.addEventListener('toggle', () => {
    if (details.open) open.add(key)
    else open.delete(key)
    if (details.open) fillOnce()
  })
  return details
}

/**
 * Say in place of what was to be shown why it does not come.
 *
 * @param {HTMLElement} inside
 * @param {unknown} error
 */
export function tell(inside, error) {
  if (!(error instanceof Refusal)) throw error
  inside.replaceChildren(element('p', { class: 'refused', role: 'alert' }, error.message, ' ', error.action))
}
