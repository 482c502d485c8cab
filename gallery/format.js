/**
 * Numbers, money and times as the page writes them.
 */

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
