/**
 * How many images there are, in which order, and what to know about them.
 */

import { element } from './dom.js'
import { counted } from './format.js'
import { icon } from './icons.js'
import { termsOf } from './terms.js'

/** @typedef {import('./types.js').Results} Results */
/** @typedef {import('./types.js').Sort} Sort */

/**
 * @param {HTMLElement} root
 * @param {{onSort: (sort: Sort) => void}} list
 */
export function openHeading(root, list) {
  const count = element('h1', { id: 'count' }, 'Images')
  const note = element('p', { class: 'note' })
  const select = /** @type {HTMLSelectElement} */ (element('select', { id: 'sort' }))
  select.addEventListener('change', () => list.onSort(/** @type {Sort} */ (select.value)))
  const filter = element(
    'button',
    { type: 'button', class: 'only-narrow', popovertarget: 'facets' },
    icon('filter'),
    'Filter',
  )
  root.append(
    count,
    note,
    element('div', { class: 'orders' }, filter, element('label', { class: 'unseen', for: 'sort' }, 'Order'), select),
  )
  return {
    /**
     * @param {string} q
     * @param {Sort} sort
     * @param {Results} results
     */
    show(q, sort, results) {
      put(count, counted(results.total, 'image'))
      put(note, noteOf(results))
      const narrowed = termsOf(q).length
      filter.classList.toggle('on', narrowed > 0)
      orders(select, q, sort)
    },
    /**
     * Why nothing new is shown.
     *
     * @param {string} text
     */
    refuse(text) {
      put(note, text)
      note.classList.add('refused')
    },
    /** That is over. */
    accept() {
      note.classList.remove('refused')
    },
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {string} q
 * @param {Sort} sort
 */
function orders(select, q, sort) {
  /** @type {[Sort, string][]} */
  const all = q
    ? [
        ['match', 'Best match'],
        ['date', 'Newest'],
        ['name', 'Name'],
      ]
    : [
        ['match', 'Newest'],
        ['name', 'Name'],
      ]
  const value = !q && sort === 'date' ? 'match' : sort
  if (select.dataset.all !== String(all.length)) {
    select.dataset.all = String(all.length)
    select.replaceChildren(...all.map(([each, label]) => element('option', { value: each }, label)))
  }
  select.value = value
}

/** @param {Results} results */
function noteOf({ building, unsearched }) {
  if (building) return 'The index is being made: images may be missing.'
  if (unsearched) return `${counted(unsearched, 'long text')} not searched to the end yet: search again in a moment.`
  return ''
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 */
function put(place, text) {
  if (place.textContent !== text) place.textContent = text
}
