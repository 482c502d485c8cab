/**
 * The bar of the work: what waits, how fast it goes, what today cost, when it will be done.
 */

import { get, Refusal } from './data.js'
import { element, say } from './dom.js'
import { clock, counted, lasting, money, number } from './format.js'
import { whileSeen } from './pace.js'

/** @typedef {import('./types.js').Summary} Summary */

const POLL_MILLISECONDS = 2000
/** Where the app does not answer, it is asked less and less often. */
const MOST_WAIT_MILLISECONDS = 30_000
/** The rate of the last minute tells when the rest will be done. */
const MEMORY_MILLISECONDS = 60_000

/**
 * @param {HTMLElement} root
 * @param {{onSummary: (summary: Summary) => void, onFailures: () => void, onRefusal: (refusal: Refusal) => void}} list
 *   `onSummary` is told each answer, `onFailures` that a person wants to see what failed
 * @returns {{ask: () => void, summary: () => Summary | null}} `ask` asks now
 */
export function openStatus(root, list) {
  const bar = new Bar(root, list)
  const ask = whileSeen(() => bar.turn())
  return { ask, summary: () => bar.summary }
}

class Bar {
  /** @type {Summary | null} */
  summary = null
  #refusals = 0
  /** @type {{at: number, left: number}[]} */
  #seen = []

  /**
   * @param {HTMLElement} root
   * @param {{onSummary: (summary: Summary) => void, onFailures: () => void, onRefusal: (refusal: Refusal) => void}} list
   */
  constructor(root, list) {
    this.list = list
    this.root = root
    this.work = element('span', { class: 'work' })
    this.done = element('span', { class: 'fact done' })
    this.rate = element('span', { class: 'fact' })
    this.cost = element('span', { class: 'fact' })
    this.failed = element('button', { type: 'button', class: 'failed-count', hidden: true, onclick: list.onFailures })
    this.fill = element('span', { class: 'fill' })
    root.append(
      element('div', { class: 'status-row' }, this.work, this.done, this.rate, this.cost, this.failed),
      element('span', { class: 'hair', 'aria-hidden': 'true' }, this.fill),
    )
  }

  /** @returns {Promise<number>} milliseconds until the next turn */
  async turn() {
    try {
      /** @type {{summary: Summary}} */
      const { summary } = await get('summary')
      this.#refusals = 0
      this.#show(summary)
      this.list.onSummary(summary)
      return POLL_MILLISECONDS
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const wait = Math.min(MOST_WAIT_MILLISECONDS, POLL_MILLISECONDS * 2 ** this.#refusals++)
      // One answer that is lost is no news.
      if (this.#refusals > 1 || !this.summary) this.#away(error, wait)
      return wait
    }
  }

  /**
   * @param {Refusal} refusal
   * @param {number} wait
   */
  #away(refusal, wait) {
    this.root.dataset.state = 'away'
    const told = refusal.status === 0 ? 'The app does not answer.' : refusal.message
    this.work.textContent = `${told} The page tries again ${wait < 4000 ? 'at once' : `in ${Math.round(wait / 1000)} s`}.`
    if (this.#refusals === 2) say(`${told} The page tries again by itself.`)
    for (const fact of [this.done, this.rate, this.cost]) fact.textContent = ''
    this.list.onRefusal(refusal)
  }

  /** @param {Summary} summary */
  #show(summary) {
    const { images, queue, rate, day, currency } = summary
    const left = images.pending + images.deferred
    const busy = left > 0 || queue.calls > 0
    const before = this.summary
    this.summary = summary
    this.root.dataset.state = busy ? 'busy' : 'rest'
    this.work.textContent = busy ? workOf(left, queue.calls) : 'All work is done'
    this.done.textContent = busy ? this.#end(left, queue) : ''
    this.rate.textContent = rateOf(rate)
    this.cost.textContent = `${money(day.money, currency)} today`
    this.cost.title =
      `${counted(day.transactions, 'call')} today` + (day.limit === null ? '' : `, of ${number(day.limit)} at most`)
    this.failed.hidden = images.failed === 0
    this.failed.textContent = `${number(images.failed)} failed`
    this.fill.style.transform = `scaleX(${images.total ? (images.total - left) / images.total : 1})`
    if (before) tell(before, summary)
  }

  /**
   * When all of it will be done: by the queue's appointments, or by how fast it went in the last minute.
   *
   * @param {number} left images
   * @param {Summary['queue']} queue
   */
  #end(left, queue) {
    const now = Date.now()
    this.#seen = [...this.#seen.filter(({ at }) => at > now - MEMORY_MILLISECONDS), { at: now, left }]
    const first = this.#seen[0]
    const perMillisecond = (first.left - left) / Math.max(1, now - first.at)
    const seconds = Math.max(queue.calls ? queue.seconds : 0, perMillisecond > 0 ? left / perMillisecond / 1000 : 0)
    if (!seconds) return ''
    if (seconds < 5) return 'done in a moment'
    const end = new Date(now + seconds * 1000)
    return seconds < 60 ? `done in about ${lasting(seconds)}` : `done in about ${lasting(seconds)}, at ${clock(end)}`
  }
}

/**
 * @param {number} left
 * @param {number} calls
 */
function workOf(left, calls) {
  const images = left ? `${counted(left, 'image')} in work` : 'Work is going on'
  return calls ? `${images}, ${counted(calls, 'call waits', 'calls wait')}` : images
}

/** @param {Summary['rate']} rate */
function rateOf({ calls, seconds, share }) {
  const most = calls * share
  const shown = Math.round(most * 10) / 10
  return `${number(shown)} ${shown === 1 ? 'call' : 'calls'} ${seconds === 1 ? 'a second' : `in ${number(seconds)} s`}${share < 1 ? ', slowed down' : ''}`
}

/**
 * What readers of screens are told: ends and failures, not each number.
 *
 * @param {Summary} before
 * @param {Summary} now
 */
function tell(before, now) {
  const waited = before.images.pending + before.images.deferred > 0
  if (now.images.failed > before.images.failed) say(`${counted(now.images.failed, 'image')} failed.`)
  else if (waited && now.images.pending + now.images.deferred === 0) say('All work is done.')
}
