/**
 * Numbers and times as people read them, in the language of their browser.
 */

const SIZES = ['bytes', 'KB', 'MB', 'GB']

/**
 * @param {number} bytes
 * @returns {string} such as `64 KB`, of 1,000 bytes each
 */
export function bytesSaid(bytes) {
  let size = bytes
  let step = 0
  while (size >= 999.5 && step < SIZES.length - 1) {
    size /= 1000
    step += 1
  }
  return `${new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 }).format(size)} ${SIZES[step]}`
}

/**
 * @param {string} time with its zone
 * @returns {string} day and time where the reader is
 */
export function timeSaid(time) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time))
}

/**
 * @param {string} time with its zone
 * @returns {string} the same without the year, where there is little room
 */
export function shortTimeSaid(time) {
  return new Intl.DateTimeFormat(undefined, {
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
  }).format(new Date(time))
}

/**
 * @param {string} time of a camera's clock, without a zone
 * @returns {string} as that clock showed it
 */
export function cameraTimeSaid(time) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })
  const read = new Date(`${time}Z`)
  return Number.isNaN(read.getTime()) ? time : format.format(read)
}

/**
 * How long until a moment, to the nearest minute or second.
 *
 * @param {string} time
 * @returns {string} such as `in 3 minutes`
 */
export function untilSaid(time) {
  const seconds = Math.max(0, Math.round((new Date(time).getTime() - Date.now()) / 1000))
  const format = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })
  if (seconds < 90) return format.format(seconds, 'second')
  if (seconds < 5400) return format.format(Math.round(seconds / 60), 'minute')
  if (seconds < 172800) return format.format(Math.round(seconds / 3600), 'hour')
  return format.format(Math.round(seconds / 86400), 'day')
}

/**
 * @param {number} part of 0 to 1
 * @returns {string} such as `61 %`
 */
export function shareSaid(part) {
  return new Intl.NumberFormat(undefined, { style: 'percent' }).format(part)
}

/**
 * @param {number} price
 * @param {string} currency three letters
 * @returns {string} with as many digits as a price of one call has
 */
export function priceSaid(price, currency) {
  const digits = { minimumFractionDigits: 4, maximumFractionDigits: 6 }
  return new Intl.NumberFormat(undefined, { style: 'currency', currency, ...digits }).format(price)
}

/**
 * @param {number} count
 * @param {string} one the word for one
 * @param {string} [many] the word for more
 * @returns {string}
 */
export function counted(count, one, many = `${one}s`) {
  return `${new Intl.NumberFormat().format(count)} ${count === 1 ? one : many}`
}
