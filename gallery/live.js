/**
 * The state of an image, asked for as long as it can change by itself.
 */

import { get, Refusal } from './data.js'

/** @typedef {import('./types.js').ImageState} ImageState */

/** Milliseconds between two looks at an image that is being worked on, and the most between any two. */
const SOON = 2000
const LATER = 30000
/** After so many looks that showed nothing new the app may not know of the image at all. */
const PATIENT = 90

/**
 * Tell the state now, and each time after that until nothing changes it any more.
 *
 * @param {string} name
 * @param {{onState: (state: ImageState) => void, onRefusal: (refusal: Refusal) => void}} listeners
 * @returns {{again: () => Promise<void>, stop: () => void}} `again` asks at once, for instance after a change
 */
export function watch(name, { onState, onRefusal }) {
  let stopping = new AbortController()
  let timer = 0
  let same = 0
  let before = ''

  async function ask() {
    clearTimeout(timer)
    stopping.abort()
    const mine = new AbortController()
    stopping = mine
    try {
      const state = /** @type {ImageState} */ (await get('images', { name }, { signal: mine.signal }))
      if (mine.signal.aborted) return
      plan(state)
      onState(state)
    } catch (error) {
      if (mine.signal.aborted) return
      if (!(error instanceof Refusal)) throw error
      if (error.status === 0 || error.status >= 500) timer = setTimeout(askIfSeen, LATER / 3)
      onRefusal(error)
    }
  }

  /** @param {ImageState} state */
  function plan(state) {
    const now = JSON.stringify(state)
    same = now === before ? same + 1 : 0
    before = now
    const wait = waitOf(state)
    if (wait !== null) timer = setTimeout(askIfSeen, same > PATIENT ? LATER : wait)
  }

  function askIfSeen() {
    if (document.visibilityState === 'visible') void ask()
    else document.addEventListener('visibilitychange', askIfSeen, { once: true, signal: stopping.signal })
  }

  void ask()
  return {
    again() {
      same = 0
      return ask()
    },
    stop() {
      clearTimeout(timer)
      stopping.abort()
    },
  }
}

/**
 * How long until it is worth asking again.
 *
 * @param {ImageState} state
 * @returns {number | null} in milliseconds; null of an image that nothing changes by itself
 */
function waitOf({ state, analysis, thumbnails, text }) {
  if (state === 'complete' || state === 'failed') return null
  const steps = [analysis, ...thumbnails, text]
  const isWorkedOn = steps.some(
    ({ problem, reason }) => problem?.running || (reason && reason.code !== 'settings_changed'),
  )
  if (isWorkedOn) return SOON
  const turns = steps.flatMap(({ problem }) => (problem?.until ? [new Date(problem.until).getTime() - Date.now()] : []))
  return turns.length ? Math.min(LATER, Math.max(SOON, Math.min(...turns))) : null
}
