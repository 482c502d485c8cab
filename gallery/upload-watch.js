/**
 * Images that are worked on: each is asked for, the longest ago first, until it is complete or has failed.
 */

import { get, Refusal } from './data.js'

/** @typedef {import('./types.js').ImageState} ImageState */

/** How many are asked for at a time, and how long before the next. */
const AT_A_TIME = 4
const PAUSE_MS = 1000
/** One that takes long is asked for more and more seldom. */
const LONGEST_MS = 15_000

/**
 * @returns {(name: string, onState: (state: ImageState | Refusal) => boolean, signal: AbortSignal) => void} watches an
 *   image; `onState` gets each state and says whether the next one matters
 */
export function openWatch() {
  /** @type {Set<Watched>} */
  const all = new Set()
  let isRunning = false

  async function run() {
    if (isRunning) return
    isRunning = true
    while (all.size) {
      await soon()
      const due = [...all].filter((each) => each.at <= Date.now()).sort((one, other) => one.at - other.at)
      await Promise.all(due.slice(0, AT_A_TIME).map((each) => look(each, all)))
    }
    isRunning = false
  }

  return (name, onState, signal) => {
    const watched = { name, onState, signal, pause: PAUSE_MS, at: Date.now() }
    all.add(watched)
    signal.addEventListener('abort', () => all.delete(watched), { once: true })
    void run()
  }
}

/**
 * @typedef {object} Watched
 * @property {string} name
 * @property {(state: ImageState | Refusal) => boolean} onState
 * @property {AbortSignal} signal
 * @property {number} pause milliseconds until the next look
 * @property {number} at when that is
 */

/**
 * @param {Watched} watched
 * @param {Set<Watched>} all from which it goes when its state is the last
 */
async function look(watched, all) {
  const found = await stateOf(watched)
  watched.pause = Math.min(LONGEST_MS, watched.pause * 1.4)
  watched.at = Date.now() + watched.pause
  if (found !== null && all.has(watched) && !watched.onState(found)) all.delete(watched)
}

/**
 * The state, or why there is none; null where the next look may tell.
 *
 * @param {Watched} watched
 * @returns {Promise<ImageState | Refusal | null>}
 */
async function stateOf({ name, signal }) {
  try {
    return await get('images', { name }, { signal })
  } catch (error) {
    const isOver = error instanceof Refusal && error.status >= 400 && error.status < 429
    return isOver ? error : null
  }
}

/** @returns {Promise<void>} after a pause, and not before the person looks at the page */
function soon() {
  return new Promise((resolve) => {
    setTimeout(() => {
      if (!document.hidden) resolve()
      else document.addEventListener('visibilitychange', () => resolve(), { once: true })
    }, PAUSE_MS)
  })
}
