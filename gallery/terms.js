/**
 * The terms of a query: the grammar of docs/search.md, as far as the page changes queries itself.
 */

/**
 * @typedef {object} Term
 * @property {string} asked as it stands in the box
 * @property {string} field empty for a plain word
 * @property {string} value without its quotes
 * @property {boolean} negated
 */

const FIELDS = new Set(['tag', 'text', 'folder', 'before', 'after', 'is', 'has', 'same', 'kind', 'colour'])
const OTHER_NAMES = new Map([
  ['color', 'colour'],
  ['tags', 'tag'],
  ['state', 'is'],
])
const VALUES = new Map([
  ['is', ['failed', 'deferred', 'pending', 'complete']],
  ['has', ['text', 'people']],
])
const PIECE =
  /([-\u2212\u2013]?)(?:([a-z]+):\s*)?(?:["\u201c\u201d\u201e\u201f]([^"\u201c\u201d]*)["\u201c\u201d]?|(\S+))/giu

/**
 * The terms of a query, in their order. An unknown prefix is a word, and so belongs to its value.
 *
 * @param {string} query
 * @returns {Term[]}
 */
export function termsOf(query) {
  return [...query.matchAll(PIECE)].map(([asked, minus, prefix = '', quoted, plain]) => {
    const name = prefix.toLowerCase()
    const field = OTHER_NAMES.get(name) ?? name
    const value = quoted ?? plain ?? ''
    const known = FIELDS.has(field)
    return {
      asked,
      field: known ? field : '',
      value: known || !prefix ? value : `${prefix}:${value}`,
      negated: minus !== '',
    }
  })
}

/**
 * The query without a last term that is still being typed: `tag:`, `is:fa`, `after:20`. The app would refuse it.
 *
 * @param {string} query
 */
export function finished(query) {
  const begun = /(?:^|\s)[-\u2212\u2013]?([a-z]+):\s*([^\s"]*)$/iu.exec(query)
  if (!begun) return query
  const field = OTHER_NAMES.get(begun[1].toLowerCase()) ?? begun[1].toLowerCase()
  const goesOn = begun[2] === '' ? FIELDS.has(field) : isBegun(field, begun[2].toLowerCase())
  return goesOn ? query.slice(0, begun.index) : query
}

/**
 * @param {string} field
 * @param {string} value not empty
 */
function isBegun(field, value) {
  if (field === 'before' || field === 'after') {
    return /^\d{1,3}$|^\d{4}[-/.](?:\d{1,2}[-/.])?$|^\d{4}[-/.]0$/u.test(value)
  }
  return (VALUES.get(field) ?? []).some((allowed) => allowed.startsWith(value) && allowed !== value)
}

/**
 * Whether a query asks for all of these terms.
 *
 * @param {string} query
 * @param {string[]} wanted such as `['tag:dog']`
 */
export function asks(query, wanted) {
  const there = new Set(termsOf(query).map(meaning))
  return wanted.every((each) => termsOf(each).every((term) => there.has(meaning(term))))
}

/**
 * The query with these terms, or without them if it has them all.
 *
 * @param {string} query
 * @param {string[]} wanted
 */
export function toggled(query, wanted) {
  return asks(query, wanted) ? without(query, wanted) : [query.trim(), ...wanted].filter(Boolean).join(' ')
}

/**
 * The query without these terms.
 *
 * @param {string} query
 * @param {string[]} unwanted
 */
export function without(query, unwanted) {
  const gone = new Set(unwanted.flatMap(termsOf).map(meaning))
  const left = termsOf(query).filter((term) => !gone.has(meaning(term)))
  return left.map((term) => term.asked).join(' ')
}

/**
 * The query without all terms of these fields.
 *
 * @param {string} query
 * @param {string[]} fields
 */
export function withoutFields(query, fields) {
  const left = termsOf(query).filter((term) => !fields.includes(term.field))
  return left.map((term) => term.asked).join(' ')
}

/**
 * A term as it is typed: with quotes where the value needs them.
 *
 * @param {string} field
 * @param {string} value
 */
export function typed(field, value) {
  return `${field}:${/[\s"\u201c\u201d\u201e\u201f\u00ab]/u.test(value) ? `"${value.replaceAll('"', ' ')}"` : value}`
}

/**
 * The terms that find the images of a year or a month.
 *
 * @param {string} period `2026` or `2026-06`
 * @returns {string[]}
 */
export function during(period) {
  const [year, month] = period.split('-').map(Number)
  const after = month === undefined ? `${year + 1}` : nextMonth(year, month)
  return [`after:${period}`, `before:${after}`]
}

/**
 * @param {number} year
 * @param {number} month 1 to 12
 */
function nextMonth(year, month) {
  return month === 12 ? `${year + 1}-01` : `${year}-${String(month + 1).padStart(2, '0')}`
}

/** @param {Term} term */
function meaning(term) {
  return `${term.negated ? '-' : ''}${term.field}:${term.value.trim().toLowerCase()}`
}
