/**
 * What can narrow the list down: how many images have each state, tag, year and so on. A press changes the query.
 */

import { element } from './dom.js'
import { number, STATES } from './format.js'
import { asks, during, toggled, typed, withoutFields } from './terms.js'

/** @typedef {import('./types.js').Count} Count */
/** @typedef {import('./types.js').Results} Results */
/** @typedef {keyof Results['facets']} Facet */

/**
 * @typedef {object} Group
 * @property {Facet} facet
 * @property {string} title
 * @property {number} most values that are shown before more are asked for
 * @property {string[]} fields of the query that the group speaks of
 * @property {(value: string) => string[]} terms that ask for a value
 * @property {(value: string) => string} label
 */

const ORDER = ['failed', 'deferred', 'pending', 'complete']
const MONTHS = Array.from({ length: 12 }, (_, at) => new Date(2000, at, 1).toLocaleString('en', { month: 'long' }))

/** @type {Group[]} */
const GROUPS = [
  {
    facet: 'state',
    title: 'State',
    most: 4,
    fields: ['is'],
    terms: (value) => [typed('is', value)],
    label: (value) => STATES[/** @type {import('./types.js').State} */ (value)] ?? value,
  },
  {
    facet: 'tag',
    title: 'Tags',
    most: 10,
    fields: ['tag'],
    terms: (value) => [typed('tag', value)],
    label: (value) => value,
  },
  { facet: 'month', title: 'Date', most: 6, fields: ['after', 'before'], terms: during, label: monthOf },
  {
    facet: 'folder',
    title: 'Folders',
    most: 6,
    fields: ['folder'],
    terms: (value) => [typed('folder', value)],
    label: (value) => (value === '/' ? 'No folder' : value),
  },
  {
    facet: 'kind',
    title: 'Kinds',
    most: 6,
    fields: ['kind'],
    terms: (value) => [typed('kind', value)],
    label: (value) => value.toUpperCase(),
  },
  {
    facet: 'colour',
    title: 'Colours',
    most: 12,
    fields: ['colour'],
    terms: (value) => [typed('colour', value)],
    label: (value) => value,
  },
  {
    facet: 'same',
    title: 'Same picture',
    most: 4,
    fields: ['same'],
    terms: (value) => [typed('same', value)],
    label: (value) => value,
  },
]

/**
 * @param {HTMLElement} root
 * @param {{onQuery: (q: string) => void}} list
 */
export function openFacets(root, list) {
  return new Facets(root, list)
}

class Facets {
  /** @type {Set<Facet>} */
  #whole = new Set()
  /** @type {Map<Facet, string[]>} values in the order in which they are shown */
  #order = new Map()
  #asked = ''
  #total = 0
  /** @type {Results['facets'] | null} */
  #counts = null

  /**
   * @param {HTMLElement} root
   * @param {{onQuery: (q: string) => void}} list
   */
  constructor(root, list) {
    this.root = root
    this.list = list
    this.#follow(matchMedia('(width < 1000px)'))
  }

  /**
   * @param {string} q
   * @param {Results['facets']} counts
   * @param {number} total images
   */
  show(q, counts, total) {
    this.#total = total
    // While the same list is watched, its values keep their places.
    if (q !== this.#asked || !this.#counts) this.#order.clear()
    this.#asked = q
    this.#counts = counts
    this.#draw()
  }

  #draw() {
    const counts = this.#counts
    if (!counts) return
    const focused = this.root.contains(document.activeElement) ? document.activeElement?.getAttribute('data-key') : null
    const at = this.root.scrollTop
    this.root.replaceChildren(
      this.#head(),
      ...GROUPS.map((group) => this.#group(group, this.#countsOf(group, counts))).filter((each) => each !== null),
    )
    this.root.scrollTop = at
    const again = [...this.root.querySelectorAll('[data-key]')].find(
      (each) => each.getAttribute('data-key') === focused,
    )
    if (focused && again instanceof HTMLElement) again.focus()
  }

  #head() {
    const narrowed = GROUPS.some(({ fields }) => withoutFields(this.#asked, fields) !== withoutFields(this.#asked, []))
    const reset = () =>
      this.list.onQuery(
        withoutFields(
          this.#asked,
          GROUPS.flatMap(({ fields }) => fields),
        ),
      )
    return element(
      'div',
      { class: 'facets-head' },
      element('h2', {}, 'Narrow down'),
      narrowed
        ? element('button', { type: 'button', class: 'plain', 'data-key': 'reset', onclick: reset }, 'Reset')
        : null,
      element(
        'button',
        { type: 'button', class: 'plain only-narrow', popovertarget: 'facets', popovertargetaction: 'hide' },
        'Done',
      ),
    )
  }

  /**
   * @param {Group} group
   * @param {Count[]} counts
   */
  #group(group, counts) {
    const values = this.#valuesOf(group, counts)
    // A value that all images have narrows nothing down.
    const useful = values.length > 1 || (values.length === 1 && values[0].count < this.#total)
    if (!useful && !values.some(({ value }) => asks(this.#asked, group.terms(value)))) return null
    const whole = this.#whole.has(group.facet)
    const shown = whole ? values : values.slice(0, group.most)
    const id = `facet-${group.facet}`
    const more = () => {
      if (!this.#whole.delete(group.facet)) this.#whole.add(group.facet)
      this.#draw()
    }
    return element(
      'section',
      { class: `facet ${group.facet}`, 'aria-labelledby': id },
      element('h3', { id }, group.title),
      element('ul', { role: 'list' }, ...shown.map((count) => element('li', {}, this.#value(group, count)))),
      values.length > group.most
        ? element(
            'button',
            {
              type: 'button',
              class: 'plain more',
              'aria-expanded': String(whole),
              'data-key': `${group.facet}/more`,
              onclick: more,
            },
            whole ? 'Fewer' : `${number(values.length - group.most)} more`,
          )
        : null,
    )
  }

  /**
   * Years where there are many, then the months of the one that is asked for.
   *
   * @param {Group} group
   * @param {Results['facets']} counts
   */
  #countsOf({ facet }, counts) {
    if (facet !== 'month') return counts[facet] ?? []
    const { year: years = [], month: months = [] } = counts
    const asked = years.filter(({ value }) => asks(this.#asked, during(value)))
    if (asked.length) return [...asked, ...months]
    return years.length > 2 ? years : months
  }

  /**
   * The values of a group in the order of their first answer, those that are asked for before others.
   *
   * @param {Group} group
   * @param {Count[]} counts
   */
  #valuesOf(group, counts) {
    const byValue = new Map(counts.map((count) => [count.value, count]))
    const known = this.#order.get(group.facet) ?? []
    const values = [...known, ...[...byValue.keys()].filter((value) => !known.includes(value))]
    if (!known.length) {
      if (group.facet === 'state') values.sort((one, other) => ORDER.indexOf(one) - ORDER.indexOf(other))
      const pressed = values.filter((value) => asks(this.#asked, group.terms(value)))
      values.splice(0, values.length, ...pressed, ...values.filter((value) => !pressed.includes(value)))
    }
    this.#order.set(group.facet, values)
    return values
      .map((value) => byValue.get(value) ?? { value, count: 0 })
      .filter(({ value, count }) => count || asks(this.#asked, group.terms(value)))
  }

  /**
   * @param {Group} group
   * @param {Count} count
   */
  #value(group, { value, count }) {
    const terms = group.terms(value)
    const pressed = asks(this.#asked, terms)
    const press = () => {
      // A list has one state, one date, one folder, one kind; but as many tags as are wanted.
      const others = pressed || group.facet === 'tag' ? this.#asked : withoutFields(this.#asked, group.fields)
      this.list.onQuery(toggled(others, terms))
    }
    return element(
      'button',
      {
        type: 'button',
        class: 'value',
        'aria-pressed': String(pressed),
        'data-key': `${group.facet}/${value}`,
        'data-value': value,
        onclick: press,
      },
      group.facet === 'colour' || group.facet === 'state'
        ? element('span', { class: 'dot', 'aria-hidden': 'true' })
        : null,
      element('bdi', { class: 'label', title: value }, group.label(value)),
      ' ',
      element(
        'span',
        { class: 'count' },
        number(count),
        element('span', { class: 'unseen' }, count === 1 ? ' image' : ' images'),
      ),
    )
  }

  /**
   * Beside the list where there is room, else above it when it is asked for.
   *
   * @param {MediaQueryList} narrow
   */
  #follow(narrow) {
    const set = () =>
      narrow.matches ? this.root.setAttribute('popover', 'auto') : this.root.removeAttribute('popover')
    narrow.addEventListener('change', set)
    set()
  }
}

/** @param {string} month `2026-06` */
function monthOf(month) {
  const [year, of] = month.split('-')
  if (of === undefined) return year
  return `${MONTHS[Number(of) - 1] ?? of} ${year}`
}
