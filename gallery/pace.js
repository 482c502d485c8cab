/**
 * When things are done: not at each keystroke, and not while the page is not looked at.
 */

/**
 * An action that is done at most once in this time: the first call at once, of others the last one.
 *
 * @param {number} milliseconds
 * @param {() => void} action
 * @param {{late?: boolean}} [how] `late`: even the first call waits, until no other has come
 * @returns {(() => void) & {now: () => void, never: () => void}} `now` does it, `never` takes a call back
 */
export function rarely(milliseconds, action, { late = false } = {}) {
  let timer = 0
  let last = -Infinity
  const now = () => {
    clearTimeout(timer)
    timer = 0
    last = performance.now()
    action()
  }
  const never = () => {
    clearTimeout(timer)
    timer = 0
  }
  const call = () => {
    const left = last + milliseconds - performance.now()
    if (late) clearTimeout(timer)
    if (late || !timer) {
      if (!late && left <= 0) now()
      else timer = setTimeout(now, late ? milliseconds : left)
    }
  }
  return Object.assign(call, { now, never })
}

/**
 * Do something again and again while the page is looked at.
 *
 * @param {() => Promise<number>} action gives the milliseconds until the next time
 * @returns {() => void} does it now
 */
export function whileSeen(action) {
  let timer = 0
  let busy = false
  const turn = async () => {
    clearTimeout(timer)
    if (busy || document.hidden) return
    busy = true
    const wait = await action()
    busy = false
    timer = setTimeout(() => void turn(), wait)
  }
  document.addEventListener('visibilitychange', () => void turn())
  void turn()
  return () => void turn()
}
