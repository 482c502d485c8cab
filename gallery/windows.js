/**
 * What a search has found: any stretch of it, asked for when it comes near and given up when it has gone by.
 */

import { get, Refusal } from './data.js'

/** @typedef {import('./types.js').Found} Found */
/** @typedef {import('./types.js').Results} Results */

/** Images of one request: some three rows of a wide window. */
const WINDOW = 30

/** One search. Images are known by their place in its order. */
export class Windows {
  /** @type {Map<number, {images: Found[], round: number}>} */
  #windows = new Map()
  /** @type {Map<number, AbortController>} */
  #asked = new Map()
  /** With each round everything that is shown is asked for anew. */
  #round = 1
  #closed = false
  total = 0
  /** @type {Results | null} the newest answer */
  latest = null

  /**
   * @param {string} q
   * @param {import('./types.js').Sort} sort
   * @param {{onAnswer: (results: Results) => void, onRefusal: (refusal: Refusal) => void}} listeners
   */
  constructor(q, sort, listeners) {
    this.q = q
    this.sort = sort
    this.listeners = listeners
  }

  /**
   * @param {number} place
   * @returns {Found | undefined} undefined while it is not known
   */
  at(place) {
    return this.#windows.get(Math.floor(place / WINDOW))?.images[place % WINDOW]
  }

  /**
   * Where an image stands, as far as that is known.
   *
   * @param {string} name
   */
  placeOf(name) {
    for (const [at, { images }] of this.#windows) {
      const found = images.findIndex((image) => image.name === name)
      if (found >= 0) return at * WINDOW + found
    }
    return -1
  }

  /**
   * See that these places are known, and give up requests for others.
   *
   * @param {number} from
   * @param {number} to behind the last one
   */
  need(from, to) {
    const first = Math.max(0, Math.floor(from / WINDOW))
    const last = Math.max(first, Math.floor((to - 1) / WINDOW))
    for (const [at, controller] of this.#asked) if (at < first || at > last) controller.abort()
    for (let at = first; at <= last; at++) {
      if (this.#windows.get(at)?.round !== this.#round && !this.#asked.has(at)) void this.#ask(at)
    }
  }

  /** Answers may be old: each is asked for again when it is needed, and shown until the new one comes. */
  age() {
    this.#round++
  }

  /** Give up everything. */
  close() {
    this.#closed = true
    for (const controller of this.#asked.values()) controller.abort()
  }

  /** @param {number} at */
  async #ask(at) {
    const controller = new AbortController()
    const round = this.#round
    this.#asked.set(at, controller)
    try {
      const asked = { q: this.q, sort: this.sort, offset: at * WINDOW, limit: WINDOW }
      /** @type {Results} */
      const results = await get('search', asked, { signal: controller.signal })
      if (this.#closed || controller.signal.aborted) return
      this.#asked.delete(at)
      this.#windows.set(at, { images: results.images, round })
      this.total = results.total
      this.latest = results
      this.listeners.onAnswer(results)
    } catch (error) {
      if (!this.#closed && !controller.signal.aborted && error instanceof Refusal) this.listeners.onRefusal(error)
    } finally {
      if (this.#asked.get(at) === controller) this.#asked.delete(at)
    }
  }
}
