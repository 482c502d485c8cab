/**
 * What the page shows, as its address says it: `/api/gallery?q=...&sort=...&image=...`.
 */

/** @typedef {import('./types.js').View} View */

/** @returns {View} what the address says now */
export function view() {
  const given = new URLSearchParams(location.search)
  const sort = given.get('sort')
  return {
    q: given.get('q') ?? '',
    sort: sort === 'date' || sort === 'name' ? sort : 'match',
    image: given.get('image') || null,
  }
}

/**
 * The address of a view.
 *
 * @param {View} wanted
 * @returns {string}
 */
export function addressOf(wanted) {
  const told = new URLSearchParams()
  if (wanted.q) told.set('q', wanted.q)
  if (wanted.sort !== 'match') told.set('sort', wanted.sort)
  if (wanted.image !== null) told.set('image', wanted.image)
  const query = String(told)
  return query ? `/api/gallery?${query}` : '/api/gallery'
}

/**
 * Show another view.
 *
 * @param {Partial<View>} changes
 * @param {{replace?: boolean}} [how] `replace` makes no step in the browser's history
 */
export function show(changes, { replace = false } = {}) {
  const next = { ...view(), ...changes }
  history[replace ? 'replaceState' : 'pushState'](null, '', addressOf(next))
  for (const listener of listeners) listener(next)
}

/** @type {((now: View) => void)[]} */
const listeners = []

/**
 * Call back with each view that is shown from now on.
 *
 * @param {(now: View) => void} listener
 */
export function onView(listener) {
  listeners.push(listener)
}

addEventListener('popstate', () => {
  for (const listener of listeners) listener(view())
})
