/**
 * Numbers, money, times, names and states as the page writes them.
 */

/** @type {Record<import('./types.js').State, string>} */
export const STATES = { complete: 'Complete', pending: 'In work', deferred: 'Tried again later', failed: 'Failed' }

const NUMBERS = new Intl.NumberFormat('en')

/** @param {number} count */
export function number(count) {
  return NUMBERS.format(count)
}

/**
 * A count with its noun.
 *
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`
}

/**
 * @param {number} sum
 * @param {string} currency its code, such as USD
 */
export function money(sum, currency) {
  // Less than a cent is not nothing: one call costs a tenth of one.
  const digits = sum > 0 && sum < 1 ? 3 : 2
  try {
    return new Intl.NumberFormat('en', {
      style: 'currency',
      currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(sum)
  } catch {
    return `${sum.toFixed(digits)} ${currency}`
  }
}

/**
 * How long something takes, roughly.
 *
 * @param {number} seconds
 */
export function lasting(seconds) {
  if (seconds < 5) return 'a moment'
  if (seconds < 90) return `${Math.ceil(seconds / 5) * 5} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86400)} days`
}

/**
 * The time of the clock, with the day where it is not today.
 *
 * @param {Date} moment
 */
export function clock(moment) {
  const today = new Date().toDateString() === moment.toDateString()
  return moment.toLocaleString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    ...(today ? {} : { weekday: 'short', day: 'numeric', month: 'short' }),
  })
}

/**
 * The last part of a name, and the folder that it lies in.
 *
 * @param {string} name
 * @returns {[string, string]} folder, with its slash, and the rest
 */
export function parted(name) {
  const at = name.replace(/\/+$/u, '').lastIndexOf('/') + 1
  return [name.slice(0, at), name.slice(at)]
}

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
