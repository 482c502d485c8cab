/**
 * What failed, before all else: each image with the reason, what to do, and a button that tries again.
 */

import { change, get, Refusal } from './data.js'
import { element, say } from './dom.js'
import { counted, number, STATES } from './format.js'
import { icon } from './icons.js'

/** @typedef {import('./types.js').Found} Found */
/** @typedef {import('./types.js').Results} Results */

/** Images that are shown here; the list has them all. */
const MOST = 3
const LOOK_MILLISECONDS = 1500
const MOST_LOOKS = 80

/**
 * @param {HTMLElement} root
 * @param {import('./types.js').Session} session
 * @param {{
 *   addressOf: (name: string) => string, open: (name: string) => void, onQuery: (q: string) => void,
 *   onRetried: () => void,
 * }} list
 */
export function openFailures(root, session, list) {
  return new Failures(root, session, list)
}

class Failures {
  /** @type {Found[]} */
  #images = []
  #total = 0
  #drawn = 0
  #put = false
  /** @type {Map<string, HTMLElement>} by the image's name */
  #rows = new Map()
  #head = element('div', { class: 'failures-head' })

  /**
   * @param {HTMLElement} root
   * @param {import('./types.js').Session} session
   * @param {{
   *   addressOf: (name: string) => string, open: (name: string) => void, onQuery: (q: string) => void,
   *   onRetried: () => void,
   * }} list
   */
  constructor(root, session, list) {
    this.root = root
    this.list = list
    this.changes = session.role === 'editor'
  }

  /** Whether it can be seen. */
  get shown() {
    return !this.root.hidden
  }

  /** How many had failed when the rows were made. */
  get total() {
    return this.#drawn
  }

  /** Ask what failed, and show it if anything did. */
  async load() {
    /** @type {Results} */
    const { images, total } = await get('search', { q: 'is:failed', sort: 'date', offset: 0, limit: MOST })
    this.#images = images
    this.#total = this.#drawn = total
    this.#draw()
    this.show(this.#put)
  }

  /** Tell in the rows that are shown what has become of them meanwhile. None comes by itself: it would move the list. */
  async follow() {
    if (!this.shown) return
    /** @type {Results} */
    const { images, total } = await get('search', { q: 'is:failed', sort: 'date', offset: 0, limit: 200 })
    this.#total = total
    // A button that has the focus keeps it.
    if (!this.#head.contains(document.activeElement)) this.#head.replaceChildren(...this.#headOf())
    const failed = new Set(images.map(({ name }) => name))
    for (const image of this.#images) {
      const row = this.#rows.get(image.name)
      if (!row || failed.has(image.name) || total > images.length || row.querySelector('.told')) continue
      this.#end(row, 'No longer failed')
      row.classList.add('mended')
    }
  }

  /**
   * Whether the present view has it.
   *
   * @param {boolean} put
   */
  show(put) {
    this.#put = put
    this.root.hidden = !put || this.#total === 0
  }

  #draw() {
    this.#head.replaceChildren(...this.#headOf())
    this.#rows = new Map(this.#images.map((image) => [image.name, this.#row(image)]))
    this.root.replaceChildren(this.#head, element('ul', { role: 'list' }, ...this.#rows.values()))
  }

  /** @returns {HTMLElement[]} */
  #headOf() {
    const all = element(
      'button',
      { type: 'button', class: 'plain', onclick: () => this.list.onQuery('is:failed') },
      'Show all',
    )
    const again = element('button', { type: 'button' }, icon('again'), 'Try all again')
    again.addEventListener('click', () => void this.#retryAll(again))
    const title = element(
      'h2',
      {},
      icon('wrong'),
      element(
        'span',
        {},
        number(this.#total),
        element('span', { class: 'of-what' }, this.#total === 1 ? ' image' : ' images'),
        ' failed',
      ),
    )
    return [title, ...(this.#total > this.#images.length ? [all] : []), ...(this.changes && this.#total ? [again] : [])]
  }

  /** @param {Found} image */
  #row(image) {
    const row = element('li', { class: 'failure' })
    this.#dress(row, image)
    return row
  }

  /**
   * @param {HTMLElement} row
   * @param {Found} image
   */
  #dress(row, image) {
    const problem = image.problems[0]
    const name = element(
      'a',
      { class: 'failure-name', href: this.list.addressOf(image.name), title: image.name },
      element('bdi', {}, image.name),
    )
    name.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return
      event.preventDefault()
      this.list.open(image.name)
    })
    const again = element('button', { type: 'button' }, icon('again'), 'Try again')
    again.addEventListener('click', () => void this.#retry(row, image))
    row.replaceChildren(
      name,
      element('p', { class: 'message' }, element('bdi', {}, problem?.message ?? 'Its records do not say why.')),
      problem ? element('p', { class: 'action' }, element('bdi', {}, problem.action)) : '',
      this.changes ? element('div', { class: 'failure-end' }, again) : '',
    )
  }

  /**
   * @param {HTMLElement} row
   * @param {Found} image
   */
  async #retry(row, image) {
    const told = this.#end(row, 'Trying again …')
    try {
      await change('POST', 'retry', {}, { name: image.name })
      this.list.onRetried()
      await this.#watch(row, image, told)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      told.textContent = `${error.message} ${error.action}`
      say(told.textContent)
    }
  }

  /**
   * Say in a row what comes of trying again.
   *
   * @param {HTMLElement} row
   * @param {Found} image
   * @param {HTMLElement} told where it is said
   * @throws {Refusal}
   */
  async #watch(row, image, told) {
    const now = await this.#outcome(image)
    if (now?.state === 'failed') {
      const had = row.contains(document.activeElement)
      this.#dress(row, now)
      say(`${image.name} failed again.`)
      if (had) row.querySelector('button')?.focus()
      return
    }
    row.classList.toggle('mended', now?.state === 'complete')
    told.textContent = now?.state === 'complete' ? 'Complete now' : STATES.deferred
    say(`${image.name}: ${told.textContent}.`)
    this.list.onRetried()
  }

  /**
   * What has become of an image, once it is known; null where that takes too long.
   *
   * @param {Found} image
   * @returns {Promise<Found | null>}
   */
  async #outcome(image) {
    for (let look = 0; look < MOST_LOOKS; look++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS))
      /** @type {{state: Found['state']}} */
      const { state } = await get('images', { name: image.name })
      if (state === 'complete') return { ...image, state, problems: [] }
      if (state === 'failed') return this.#failed(image)
    }
    return null
  }

  /**
   * The image with the reason of today.
   *
   * @param {Found} image
   * @returns {Promise<Found>}
   */
  async #failed(image) {
    /** @type {Results} */
    const { images } = await get('search', { q: 'is:failed', name: image.name, limit: 1 })
    return images[0] ?? image
  }

  /** @param {HTMLElement} button */
  async #retryAll(button) {
    button.setAttribute('disabled', '')
    let retried = 0
    let continuation = null
    try {
      do {
        const answer = await change('POST', 'retry', {}, { all: true, ...(continuation ? { continuation } : {}) })
        retried += answer.retried.length
        continuation = answer.continuation
      } while (continuation)
      button.textContent = `${counted(retried, 'step')} tried again`
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      button.textContent = error.message
      button.removeAttribute('disabled')
      say(button.textContent)
      return
    }
    say(button.textContent)
    for (const image of this.#images) {
      const row = this.#rows.get(image.name)
      // One that does not answer says no more than it did.
      if (row) void this.#watch(row, image, this.#end(row, 'Trying again …')).catch(() => {})
    }
    this.list.onRetried()
  }

  /**
   * In place of the button, what has become of it.
   *
   * @param {HTMLElement} row
   * @param {string} text
   */
  #end(row, text) {
    const told = element('span', { class: 'told', tabindex: -1 }, text)
    const had = row.contains(document.activeElement)
    row.querySelector('.failure-end')?.replaceChildren(told)
    // The button that had the focus is gone; the keyboard goes on from here.
    if (had) told.focus()
    return told
  }
}
