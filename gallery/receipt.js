/**
 * What an image has cost: each call to Computer Vision, and what they add up to.
 */

import { counted, priceSaid, shortTimeSaid } from './format.js'
import { apart, element } from './dom.js'
import { folded, tell } from './panel.js'

/** @typedef {import('./types.js').Receipt} Receipt */
/** @typedef {Receipt['calls'][number]} Call */
/** @typedef {Receipt['totals']} Totals */

/** @type {Record<string, string>} */
const OPERATIONS = {
  analyze: 'Analysis',
  describe: 'Description',
  areaOfInterest: 'Area of interest',
  generateThumbnail: 'Thumbnail',
  read: 'Text',
}
const OUTCOMES = {
  answered: 'answered',
  failed: 'failed',
  open: 'under way',
  lost: 'no answer',
  several: 'older calls',
}

/**
 * @param {string} name of the image
 * @param {() => Promise<Receipt>} receipt
 * @returns {HTMLElement}
 */
export function receiptOf(name, receipt) {
  return folded('receipt', 'Receipt', null, () => {
    const inside = element('div', {}, element('p', { class: 'quiet' }, 'Loading…'))
    receipt().then(
      (told) => inside.replaceChildren(...shownAs(name, told)),
      (error) => tell(inside, error),
    )
    return [inside]
  })
}

/**
 * @param {string} name
 * @param {Receipt} receipt
 * @returns {Node[]}
 */
function shownAs(name, { calls, totals, own, currency }) {
  if (!calls.length) return [element('p', { class: 'quiet' }, 'Computer Vision was never asked about these bytes.')]
  const differs = own.calls !== totals.calls
  return [
    element(
      'table',
      { class: 'receipt' },
      element('caption', { class: 'unseen' }, 'Calls to Computer Vision about this image'),
      element(
        'thead',
        {},
        element('tr', {}, head('Call'), head('Result'), head('Billed', 'number'), head('Price', 'number')),
      ),
      element('tbody', {}, ...calls.map((call) => row(call, name, currency))),
      element(
        'tfoot',
        {},
        ...(differs
          ? [sum('Asked by this image', own, currency), sum('All with these bytes', totals, currency)]
          : [sum('Total', totals, currency)]),
      ),
    ),
    ...notes(totals).map((note) => element('p', { class: 'quiet' }, note)),
  ]
}

/**
 * @param {string} title
 * @param {string} [kind]
 */
function head(title, kind) {
  return element('th', { scope: 'col', class: kind }, title)
}

/**
 * @param {Call} call
 * @param {string} name
 * @param {string} currency
 */
function row(call, name, currency) {
  return element(
    'tr',
    {},
    element(
      'th',
      { scope: 'row', title: call.question },
      OPERATIONS[call.operation] ?? call.operation,
      call.calls > 1 ? `, ${call.calls} times` : null,
      call.begun ? element('span', { class: 'under' }, shortTimeSaid(call.begun)) : null,
      call.image && call.image !== name ? element('span', { class: 'under' }, 'asked by ', apart(call.image)) : null,
    ),
    element('td', {}, OUTCOMES[call.outcome], element('span', { class: 'under' }, resultSaid(call))),
    element('td', { class: 'number' }, call.transactions === null ? 'not told' : String(call.transactions)),
    element('td', { class: 'number' }, call.price === null ? '–' : priceSaid(call.price, currency)),
  )
}

/** @param {Call} call */
function resultSaid({ seconds, status, problem, polls, sent }) {
  return [
    problem,
    status && !problem ? null : status ? `HTTP ${status}` : null,
    seconds === null ? null : `${seconds} s`,
    polls ? counted(polls, 'free look') : null,
    sent && !sent.untouched ? `as ${sent.kind}, ${sent.width} × ${sent.height}` : null,
  ]
    .filter(Boolean)
    .join(', ')
}

/**
 * @param {string} title
 * @param {Totals} totals
 * @param {string} currency
 */
function sum(title, { calls, transactions, price }, currency) {
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, title),
    element('td', {}, counted(calls, 'call')),
    element('td', { class: 'number' }, String(transactions)),
    element('td', { class: 'number' }, priceSaid(price, currency)),
  )
}

/** @param {Totals} totals */
function notes({ unknown, untold }) {
  return [
    unknown ? `${counted(unknown, 'call')} had no answer. Only the bill of the service tells whether it was paid.` : '',
    untold ? `${counted(untold, 'call')} of an earlier version tell no price.` : '',
    'A transaction is what the service bills; prices are those of VISION_PRICES.',
  ].filter(Boolean)
}
