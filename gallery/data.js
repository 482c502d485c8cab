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
  return response.json()
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
  const text = await response.text()
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
  const response = await answerTo(address, { method, body, headers: all, signal })
  if (response.status >= 400) throw await refusalOf(response)
  return response
}

/**
 * The header with the tab's key; empty where there is none.
 *
 * @returns {Record<string, string>}
 */
export function keyHeader() {
  const key = sessionStorage.getItem('gallery-key')
  return key ? { 'x-gallery-key': key } : {}
}

/**
 * Show a picture of the data routes. With a key it is fetched, because an element sends no header.
 *
 * @param {HTMLImageElement} image
 * @param {string} address
 */
export function showPicture(image, address) {
  image.src = address
}

/**
 * @param {string} address
 * @param {RequestInit} init
 */
async function answerTo(address, init) {
  try {
    return await fetch(address, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Refusal(0, 'no_answer', 'The app does not answer.', 'Look whether you are online, and try again.')
  }
}

/** @param {Response} response */
async function refusalOf(response) {
  /** @type {Record<string, string>} */
  let told = {}
  try {
    told = await response.json()
  } catch {
    // The answer is the platform's own, which is no JSON.
  }
  return new Refusal(
    response.status,
    told.code ?? 'unknown',
    told.detail ?? `The app answered ${response.status}.`,
    told.action ?? 'Try again.',
  )
}
