/**
 * The page's data: requests to `/api/gallery/data/...`, and what an answer means.
 */

const DATA = '/api/gallery/data/'

/** An answer that is an error: what was wrong, and what to do. */
export class Refusal extends Error {
  /**
   * @param {number} status of HTTP; 0 where no answer came
   * @param {string} code as docs/errors.md has them
   * @param {string} message
   * @param {string} action
   */
  constructor(status, code, message, action) {
    super(message)
    this.status = status
    this.code = code
    this.action = action
  }
}

/**
 * The address of a data route.
 *
 * @param {string} route such as `search`
 * @param {Record<string, string | number | null | undefined>} [parameters] null and undefined are left out
 * @returns {string}
 */
export function addressOf(route, parameters = {}) {
  const told = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) told.set(name, String(value))
  }
  const query = String(told)
  return DATA + route + (query ? `?${query}` : '')
}

/**
 * Ask for JSON.
 *
 * @template T
 * @param {string} route
 * @param {Record<string, string | number | null | undefined>} [parameters]
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<T>}
 * @throws {Refusal}
 */
export async function get(route, parameters = {}, { signal } = {}) {
  const response = await request('GET', addressOf(route, parameters), { signal })
  return arrived(response.json())
}

/**
 * Change something.
 *
 * @param {'POST' | 'PUT' | 'DELETE'} method
 * @param {string} route
 * @param {Record<string, string | number | null | undefined>} parameters
 * @param {unknown} [body] sent as JSON
 * @returns {Promise<any>} the JSON of the answer
 * @throws {Refusal}
 */
export async function change(method, route, parameters = {}, body = undefined) {
  const json = body === undefined ? undefined : JSON.stringify(body)
  const response = await request(method, addressOf(route, parameters), { body: json })
  const text = await arrived(response.text())
  return text ? JSON.parse(text) : null
}

/**
 * One request, with the key of the tab if there is one.
 *
 * @param {string} method
 * @param {string} address
 * @param {{body?: BodyInit, headers?: Record<string, string>, signal?: AbortSignal}} [options]
 * @returns {Promise<Response>} one whose status is below 400
 * @throws {Refusal}
 */
export async function request(method, address, { body, headers = {}, signal } = {}) {
  /** @type {Record<string, string>} */
  const all = { ...keyHeader(), ...headers }
  if (method !== 'GET') all['x-blobsight-gallery'] = '1'
  if (typeof body === 'string') all['content-type'] = 'application/json'
  const response = await arrived(fetch(address, { method, body, headers: all, signal }))
  if (response.status >= 400) throw noted(refusalIn(response.status, await arrived(response.text())))
  return response
}

/**
 * The refusal itself. Where it is that the person is signed out meanwhile, the document tells it to its listeners.
 *
 * @param {Refusal} refusal
 * @returns {Refusal}
 */
export function noted(refusal) {
  if (refusal.status === 401) document.dispatchEvent(new CustomEvent('signed-out'))
  return refusal
}

const KEY = 'gallery-key'

/**
 * The header with the tab's key; empty where there is none.
 *
 * @returns {Record<string, string>}
 */
export function keyHeader() {
  const key = sessionStorage.getItem(KEY)
  return key ? { 'x-gallery-key': key } : {}
}

/**
 * Keep the key until the tab is closed, or forget it.
 *
 * @param {string | null} key
 */
export function keepKey(key) {
  if (key === null) sessionStorage.removeItem(KEY)
  else sessionStorage.setItem(KEY, key)
}

/**
 * What each element is to show, and what ends the request for it.
 *
 * @type {WeakMap<HTMLImageElement, {address: string, over: AbortController}>}
 */
const wanted = new WeakMap()

/**
 * Show a picture of the data routes; the element tells by `load` and `error` what has come of it.
 *
 * With a key it is fetched, because an element sends no header.
 *
 * @param {HTMLImageElement} image
 * @param {string} address
 */
export function showPicture(image, address) {
  const before = wanted.get(image)
  if (before?.address === address) return
  before?.over.abort()
  if (!('x-gallery-key' in keyHeader())) {
    wanted.delete(image)
    image.src = address
    return
  }
  const over = new AbortController()
  wanted.set(image, { address, over })
  // The picture that was there before is none of this address.
  image.removeAttribute('src')
  void fetched(image, address, over.signal)
}

/**
 * Show nothing in an element, and end the request for its picture.
 *
 * @param {HTMLImageElement} image
 */
export function hidePicture(image) {
  wanted.get(image)?.over.abort()
  wanted.delete(image)
  image.removeAttribute('src')
}

/**
 * @param {HTMLImageElement} image
 * @param {string} address
 * @param {AbortSignal} signal
 */
async function fetched(image, address, signal) {
  try {
    const picture = await (await request('GET', address, { signal })).blob()
    signal.throwIfAborted()
    const local = URL.createObjectURL(picture)
    const release = () => URL.revokeObjectURL(local)
    // Once it is decoded the element keeps it without the address.
    image.addEventListener('load', release, { once: true })
    image.addEventListener('error', release, { once: true })
    image.src = local
  } catch {
    if (signal.aborted) return
    wanted.delete(image)
    image.dispatchEvent(new Event('error'))
  }
}

/**
 * What comes over the line: an answer or its body, which can be cut off too.
 *
 * @template T
 * @param {Promise<T>} coming
 * @returns {Promise<T>}
 * @throws {Refusal}
 */
async function arrived(coming) {
  try {
    return await coming
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw noAnswer()
  }
}

/** @returns {Refusal} where the app cannot be reached */
export function noAnswer() {
  return new Refusal(0, 'no_answer', 'The app does not answer.', 'Look whether you are online, and try again.')
}

/**
 * The refusal that an answer is.
 *
 * @param {number} status
 * @param {string} text its body
 * @returns {Refusal}
 */
export function refusalIn(status, text) {
  /** @type {Record<string, string>} */
  let told = {}
  try {
    told = JSON.parse(text)
  } catch {
    // The answer is the platform's own, which is no JSON.
  }
  return new Refusal(
    status,
    told.code ?? 'unknown',
    told.detail ?? `The app answered ${status}.`,
    told.action ?? 'Try again.',
  )
}
