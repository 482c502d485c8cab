/**
 * One image of the list: its picture, what it shows, its name, its state, and why it was found.
 */

import { hidePicture, showPicture } from './data.js'
import { element } from './dom.js'
import { parted, STATES } from './format.js'
import { icon } from './icons.js'
import { emphasized, framed, marks, written } from './mark.js'

/** @typedef {import('./types.js').Found} Found */
/** @typedef {import('./types.js').Why} Why */

/**
 * @param {(name: string) => string} addressOf the page's address that shows an image
 */
export function makeCard(addressOf) {
  return new Card(addressOf)
}

export class Card {
  place = -1
  /** @type {string | null} */
  name = null
  /** @type {Found | undefined} */
  #shown = undefined
  #written = ''
  #pictured = ''
  /** @type {{address: string, alt: string} | null} what waits to be loaded */
  #waiting = null
  /** @type {HTMLImageElement | null} */
  #image = null

  /** @param {(name: string) => string} addressOf */
  constructor(addressOf) {
    this.addressOf = addressOf
    this.frame = element('span', { class: 'frame' })
    this.words = element('span', { class: 'words' })
    this.link = element('a', { class: 'card blank', tabindex: -1 }, this.frame, this.words)
    this.root = element('li', { class: 'cell', role: 'listitem' }, this.link)
  }

  /**
   * Where it lies.
   *
   * @param {number} place in the order of what was found, from 0
   * @param {number} total
   * @param {number} x pixels
   * @param {number} y pixels
   */
  put(place, total, x, y) {
    if (place !== this.place) this.root.setAttribute('aria-posinset', String(place + 1))
    this.place = place
    if (this.root.getAttribute('aria-setsize') !== String(total)) this.root.setAttribute('aria-setsize', String(total))
    const at = `translate(${x}px, ${y}px)`
    if (this.root.style.transform !== at) this.root.style.transform = at
  }

  /**
   * What it shows; undefined while that is not known.
   *
   * @param {Found | undefined} found
   */
  fill(found) {
    if (found === this.#shown) return
    this.#shown = found
    this.name = found?.name ?? null
    const told = JSON.stringify(found)
    if (!found || told === this.#written) return
    this.#written = told
    this.link.classList.remove('blank')
    this.link.setAttribute('href', this.addressOf(found.name))
    this.link.dataset.name = found.name
    this.link.dataset.state = found.state
    this.link.title = found.name
    this.words.replaceChildren(...wordsOf(found))
    this.#picture(found)
  }

  /** Ask for its picture, if that has not been done. */
  look() {
    const waiting = this.#waiting
    if (!waiting) return
    this.#waiting = null
    const image = /** @type {HTMLImageElement} */ (
      element('img', { alt: waiting.alt, decoding: 'async', draggable: 'false' })
    )
    image.addEventListener('load', () => image.classList.add('there'))
    image.addEventListener('error', () => image.classList.add('broken'))
    this.#image = image
    this.frame.querySelector('.sheet')?.prepend(image)
    showPicture(image, waiting.address)
  }

  /**
   * Whether the tab key stops here: at one image of the list only.
   *
   * @param {boolean} reached
   */
  reach(reached) {
    const wanted = reached ? 0 : -1
    if (this.link.tabIndex !== wanted) this.link.tabIndex = wanted
  }

  focus() {
    this.link.focus({ preventScroll: true })
  }

  /** It is shown no more, and its picture is not waited for. */
  drop() {
    if (this.#image) hidePicture(this.#image)
    this.root.remove()
  }

  /** @param {Found} found */
  #picture(found) {
    const places = placesOf(found)
    const view = framed(found, places)
    const pictured = JSON.stringify([view, found.state, found.kind, altOf(found), places])
    if (pictured === this.#pictured) return
    this.#pictured = pictured
    if (this.#image) hidePicture(this.#image)
    this.#image = null
    this.#waiting = view.address ? { address: view.address, alt: altOf(found) } : null
    const sheet = element('span', { class: view.whole ? 'sheet whole' : 'sheet' })
    Object.assign(sheet.style, view.style)
    if (places.length && view.extent) {
      sheet.append(marks(places, view.extent), ...(view.address ? [] : [written(places, view.extent)]))
    }
    this.frame.replaceChildren(
      ...[view.address || view.extent ? sheet : glyph(found), badge(found)].filter((each) => each !== null),
    )
    this.frame.classList.toggle('paper', !view.address && view.extent !== null)
  }
}

/** @param {Found} found */
export function altOf(found) {
  return found.alt ?? found.caption ?? ''
}

/** @param {Found} found */
function placesOf(found) {
  const places = found.why.flatMap((why) => (why.field === 'text' ? why.places : []))
  // All that is marked stands on one page.
  return places.filter((place) => place.page === places[0]?.page)
}

/** @param {Found} found */
function glyph(found) {
  return element(
    'span',
    { class: 'glyph' },
    icon(found.state === 'failed' ? 'broken' : 'page'),
    found.kind ? found.kind.toUpperCase() : null,
  )
}

/** @param {Found} found */
function badge(found) {
  if (found.state === 'complete') return null
  return element('span', { class: 'badge' }, STATES[found.state])
}

/** @param {Found} found */
function wordsOf(found) {
  const [folder, rest] = parted(found.name)
  const trouble = found.state === 'failed' ? found.problems[0] : undefined
  const caption = trouble ? trouble.message : (found.caption ?? found.alt)
  const why = trouble ? [] : found.why
  const line = element(
    'bdi',
    { class: trouble ? 'caption trouble' : 'caption' },
    ...emphasized(caption ?? '', why, ['caption', 'alt']),
  )
  // What the picture's alternative text says already is not read twice.
  if (caption !== null && caption === altOf(found) && found.thumbnail) line.setAttribute('aria-hidden', 'true')
  return [
    line,
    element(
      'span',
      { class: 'name' },
      folder ? element('bdi', { class: 'folder' }, folder) : null,
      element('bdi', { class: 'file' }, ...emphasized(rest, why, ['name'])),
    ),
    reason(found.why),
  ]
}

/**
 * What was found where no other line shows it.
 *
 * @param {Why[]} all
 */
function reason(all) {
  const line = element('span', { class: 'why' })
  for (const { field, matched } of all) {
    const what = field === 'text' ? 'reads ' : field === 'tags' ? 'tag ' : null
    if (what) line.append(element('span', { class: 'found' }, what, element('mark', {}, element('bdi', {}, matched))))
  }
  return line
}
