/**
 * One upload: the image's bytes on their way to the app, which can tell how far they are.
 */

import { addressOf, get, keyHeader, noAnswer, noted, refusalIn } from './data.js'

/**
 * Send a file.
 *
 * @param {File} file
 * @param {string} name of the image
 * @param {object} options
 * @param {boolean} options.overwrite whether an image of that name is replaced
 * @param {(share: number) => void} options.onProgress called with 0 to 1
 * @param {AbortSignal} options.signal
 * @returns {Promise<void>}
 * @throws {import('./data.js').Refusal} `image_changed` if there is an image of that name, and it is not to be replaced
 */
export function send(file, name, { overwrite, onProgress, signal }) {
  // Only this kind of request tells how many bytes have gone.
  const request = new XMLHttpRequest()
  const answer = new Promise((resolve, reject) => {
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable && event.total) onProgress(event.loaded / event.total)
    })
    request.addEventListener('load', () => {
      if (request.status < 400) resolve(undefined)
      else reject(noted(waiting(refusalIn(request.status, request.responseText), request)))
    })
    request.addEventListener('error', () => reject(noAnswer()))
    request.addEventListener('timeout', () => reject(noAnswer()))
    request.addEventListener('abort', () => reject(new DOMException('The upload was cancelled.', 'AbortError')))
  })
  signal.throwIfAborted()
  request.open('PUT', addressOf('images', { name }))
  const type = file.type || 'application/octet-stream'
  const headers = { ...keyHeader(), 'content-type': type, 'x-blobsight-gallery': '1' }
  for (const [header, value] of Object.entries(headers)) request.setRequestHeader(header, value)
  if (!overwrite) request.setRequestHeader('if-none-match', '*')
  signal.addEventListener('abort', () => request.abort(), { once: true })
  request.send(file)
  return /** @type {Promise<void>} */ (answer)
}

/**
 * Whether there is an image of that name. It is asked first, so that the bytes are not sent for nothing.
 *
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>}
 */
export async function exists(name, signal) {
  /** @type {import('./types.js').Results} */
  const found = await get('search', { name, limit: 1 }, { signal })
  return found.total > 0
}

/**
 * The refusal with the seconds after which the app wants to be asked again, if it says so.
 *
 * @param {import('./data.js').Refusal & {seconds?: number}} refusal
 * @param {XMLHttpRequest} request
 */
function waiting(refusal, request) {
  const seconds = Number(request.getResponseHeader('retry-after'))
  if (seconds > 0) refusal.seconds = seconds
  return refusal
}
