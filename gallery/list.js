/**
 * The list of images with all that stands around it: the search box, facets, failures, the bar of the work.
 */

import { addressOf, show as showView, view as viewNow } from './address.js'
import { openBox } from './box.js'
import { at, element, say } from './dom.js'
import { openEmpty } from './empty.js'
import { openFacets } from './facets.js'
import { openFailures } from './failures.js'
import { counted } from './format.js'
import { makeGrid } from './grid.js'
import { openHeading } from './heading.js'
import { openStatus } from './status.js'
import { finished } from './terms.js'
import { Windows } from './windows.js'

/** @typedef {import('./data.js').Refusal} Refusal */
/** @typedef {import('./types.js').Results} Results */
/** @typedef {import('./types.js').Session} Session */
/** @typedef {import('./types.js').Summary} Summary */
/** @typedef {import('./types.js').View} View */

/** Where nothing seems to go on, the list is asked for again this often. */
const CALM_MILLISECONDS = 10_000
/** The index tells of a change some moments after it was made: so long the list is asked for again and again. */
const KEEN_MILLISECONDS = 15_000
/** A person who is still typing is not told yet that the query is wrong. */
const REFUSAL_MILLISECONDS = 600
/** The failures stand above the images, which wait for them so long and no longer. */
const FAILURES_MILLISECONDS = 900
const AGAIN_MILLISECONDS = 3000

/**
 * @param {Session} session
 * @returns {{
 *   show: (view: View) => void,
 *   refresh: () => void,
 *   neighbour: (name: string, step: 1 | -1) => string | null,
 * }} `show` shows a view, `refresh` asks for everything anew, `neighbour` is the name before or behind another one
 */
export function openList(session) {
  const list = new List(session)
  return {
    show: (view) => list.show(view),
    refresh: () => list.refresh(),
    neighbour: (name, step) => list.neighbour(name, step),
  }
}

class List {
  /** @type {Windows | null} the search that is shown */
  #shown = null
  /** @type {Windows | null} what has been asked for and is not there yet */
  #coming = null
  /** @type {View | null} */
  #view = null
  #lastAsked = 0
  #keenUntil = 0
  #again = 0
  #refusal = 0
  #counts = ''
  /** @type {number | null} how many have failed, as the summary tells */
  #failed = null
  /** @type {Promise<void>} */
  #failuresKnown

  /** @param {Session} session */
  constructor(session) {
    const images = element('ul', {
      class: 'images',
      role: 'list',
      'aria-labelledby': 'count',
      'aria-describedby': 'keys',
    })
    const empty = element('div', { class: 'empty', hidden: true })
    at('grid').append(
      element('p', { id: 'keys', class: 'unseen' }, 'Arrow keys move between images, Enter opens one.'),
      images,
      empty,
    )
    const ask = (/** @type {string} */ q) => this.#ask(q)
    const image = {
      addressOf: (/** @type {string} */ name) => addressOf({ ...viewNow(), image: name }),
      open: (/** @type {string} */ name) => showView({ image: name }),
    }
    this.grid = makeGrid(images, image)
    this.box = openBox(at('search'), { onQuery: (q) => this.#typed(q), onDone: () => at('main').focus() })
    this.heading = openHeading(at('heading'), { onSort: (sort) => showView({ sort }) })
    this.facets = openFacets(at('facets'), { onQuery: ask })
    this.empty = openEmpty(empty, session, { onQuery: ask })
    this.failures = openFailures(at('failures'), session, { ...image, onQuery: ask, onRetried: () => this.refresh() })
    this.#failuresKnown = this.failures.load().catch(() => {})
    this.status = openStatus(at('status'), {
      onSummary: (summary) => this.#live(summary),
      onFailures: () => void this.#showFailures(),
      onRefusal: (refusal) => this.#refused(refusal),
    })
  }

  /** @param {View} view */
  show(view) {
    const before = this.#view
    this.#view = view
    this.box.put(view.q)
    document.title = titleOf(view)
    if (before && before.q === view.q && before.sort === view.sort) {
      // Back from one image, the keyboard goes on from it.
      if (view.image === null && before.image !== null) this.grid.focus(before.image)
      return
    }
    // At once, while it follows from what a person does: later it would move what that person looks at.
    if (this.#shown) this.#placeFailures(view.q.trim() === '')
    this.#coming?.close()
    const coming = new Windows(finished(view.q), view.sort, {
      onAnswer: (results) => void this.#answered(coming, results),
      onRefusal: (refusal) => this.#refused(refusal),
    })
    this.#coming = coming
    this.#lastAsked = performance.now()
    coming.need(0, 1)
  }

  refresh() {
    this.#lastAsked = performance.now()
    this.#keenUntil = this.#lastAsked + KEEN_MILLISECONDS
    const shown = this.#coming ?? this.#shown
    shown?.age()
    if (shown === this.#shown) this.grid.update()
    else shown?.need(0, 1)
    this.status.ask()
  }

  /**
   * @param {string} name
   * @param {1 | -1} step
   */
  neighbour(name, step) {
    const shown = this.#shown
    const place = shown?.placeOf(name) ?? -1
    if (!shown || place < 0) return null
    const found = shown.at(place + step)?.name ?? null
    // The one behind it is asked for before it is wanted.
    const next = place + 2 * step
    if (next >= 0 && next < shown.total && !shown.at(next)) shown.need(Math.min(place, next), Math.max(place, next) + 1)
    return found
  }

  /** @param {string} q */
  #typed(q) {
    clearTimeout(this.#refusal)
    const before = viewNow()
    // Going back leads to the query before, not to each letter of this one.
    const goesOn = before.q !== '' && q !== ''
    if (before.q !== q) showView({ q, image: null }, { replace: goesOn })
  }

  /** @param {string} q */
  #ask(q) {
    showView({ q, image: null })
  }

  /**
   * @param {Windows} source
   * @param {Results} results
   */
  async #answered(source, results) {
    clearTimeout(this.#again)
    clearTimeout(this.#refusal)
    if (this.#shown === null) {
      await Promise.race([this.#failuresKnown, new Promise((resolve) => setTimeout(resolve, FAILURES_MILLISECONDS))])
    }
    if (source === this.#coming) this.#begin(source, results)
    else if (source === this.#shown) this.#draw(source, results)
  }

  /**
   * Show another search than before.
   *
   * @param {Windows} source
   * @param {Results} results
   */
  #begin(source, results) {
    this.#shown?.close()
    const first = this.#shown === null
    this.#shown = source
    this.#coming = null
    this.#placeFailures(source.q.trim() === '')
    if (!first) this.#toTop()
    this.#draw(source, results)
    this.grid.show(source)
    if (!first || source.q) say(counted(results.total, 'image'))
  }

  /**
   * @param {Windows} source
   * @param {Results} results
   */
  #draw(source, results) {
    this.heading.accept()
    this.heading.show(source.q, source.sort, results)
    this.facets.show(source.q, results.facets, results.total)
    at('main').classList.remove('waiting')
    if (results.total) this.empty.hide()
    else if (source.q.trim()) this.empty.nothingFound(source.q)
    else this.empty.noImages(results.building)
    if (this.#shown === source) this.grid.update()
  }

  /** @param {Refusal} refusal */
  #refused(refusal) {
    const asked = this.#coming ?? this.#shown
    if (refusal.code === 'bad_query') {
      clearTimeout(this.#refusal)
      this.#refusal = setTimeout(() => this.#wrong(refusal), REFUSAL_MILLISECONDS)
      return
    }
    if (this.#shown === null) {
      this.empty.noAnswer(refusal)
      at('main').classList.remove('waiting')
    }
    clearTimeout(this.#again)
    this.#again = setTimeout(() => {
      if (asked === this.#coming) asked?.need(0, 1)
      else this.grid.update()
    }, AGAIN_MILLISECONDS)
  }

  /**
   * The query asks for what can never be.
   *
   * @param {Refusal} refusal
   */
  #wrong(refusal) {
    at('main').classList.remove('waiting')
    this.heading.refuse(`${refusal.message} ${refusal.action}`)
    say(refusal.message)
  }

  /** @param {Summary} summary */
  #live(summary) {
    const { images } = summary
    const counts = JSON.stringify(images)
    const changed = counts !== this.#counts
    const busy = images.pending + images.deferred > 0
    this.#counts = counts
    if (changed) void this.failures.follow().catch(() => {})
    this.#failed = images.failed
    this.#dressStatus()
    if (this.#coming || !this.#shown) return
    const now = performance.now()
    if (!changed && !busy && now > this.#keenUntil && now - this.#lastAsked < CALM_MILLISECONDS) return
    this.#lastAsked = now
    this.#shown.age()
    this.grid.update()
  }

  async #showFailures() {
    if (this.#view?.q.trim()) {
      this.#ask('is:failed')
      return
    }
    await this.failures.load().catch(() => {})
    this.#placeFailures(true)
    this.#toTop()
    const first = at('failures').querySelector('a, button')
    if (first instanceof HTMLElement) first.focus()
  }

  /** @param {boolean} put */
  #placeFailures(put) {
    this.failures.show(put)
    this.#dressStatus()
  }

  /** Let the bar leave out how many failed, where the failures tell the same number. */
  #dressStatus() {
    const told = this.failures.shown && (this.#failed === null || this.#failed === this.failures.total)
    at('status').classList.toggle('failures-shown', told)
  }

  #toTop() {
    scrollTo(0, 0)
  }
}

/** @param {View} view */
function titleOf({ q, image }) {
  const what = image ?? q
  return what ? `${what.slice(0, 80)} – Blobsight` : 'Blobsight'
}
