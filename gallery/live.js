/**
 * The state of an image, asked for as long as it can change by itself.
 */

import { addressOf, Refusal, request } from './data.js'

/** @typedef {import('./types.js').ImageState} ImageState */

/** Milliseconds between two looks at an image that is being worked on, and the most between any two. */
const SOON = 2000
const LATER = 30000

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

  async function ask() {
    clearTimeout(timer)
    stopping.abort()
    const mine = new AbortController()
    stopping = mine
    try {
      const response = await request('GET', addressOf('images', { name, wait: 'true' }), { signal: mine.signal })
      const state = /** @type {ImageState} */ (await response.json())
      if (mine.signal.aborted) return
      plan(response)
      onState(state)
    } catch (error) {
      if (mine.signal.aborted) return
      if (!(error instanceof Refusal)) throw error
      if (error.status === 0 || error.status >= 500) timer = setTimeout(askIfSeen, LATER / 3)
      onRefusal(error)
    }
  }

  /** @param {Response} response one of 202 says when to ask again */
  function plan(response) {
    if (response.status !== 202) return
    const told = Number(response.headers.get('retry-after') ?? 0)
    // Five seconds are what the app says of an image that it works on; a look costs nothing, so it may be sooner.
    timer = setTimeout(askIfSeen, told <= 5 ? SOON : Math.min(LATER, told * 1000))
  }

  function askIfSeen() {
    if (document.visibilityState === 'visible') void ask()
    else document.addEventListener('visibilitychange', askIfSeen, { once: true, signal: stopping.signal })
  }

  void ask()
  return {
    again: ask,
    stop() {
      clearTimeout(timer)
      stopping.abort()
    },
  }
}
