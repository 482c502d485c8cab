/**
 * The records of an image: what each is, to look at and to save.
 */

import { addressOf, request } from './data.js'
import { apart, element } from './dom.js'
import { icon } from './icons.js'
import { folded, tell } from './panel.js'

/** @typedef {import('./types.js').Shown} Shown */
/** @typedef {{title: string, record: string}} Told */

/** How much of a record is shown; one of a long document has a hundred megabytes. */
const MOST_SHOWN = 200000

/**
 * @param {Shown} shown
 * @returns {HTMLElement | null}
 */
export function recordsOf(shown) {
  const told = recordsTold(shown)
  if (!told.length) return null
  return folded('records', 'Records', String(told.length), () => [
    element('ul', { class: 'records' }, ...told.map((one) => item(shown.name, one))),
  ])
}

/**
 * @param {Shown} shown
 * @returns {Told[]}
 */
function recordsTold({ name, state }) {
  const { analysis, text, thumbnails, correction } = state
  const stem = stemOf(name, analysis.record)
  const failing = {
    analysis: Boolean(analysis.problem),
    text: Boolean(text.problem),
    thumbnails: thumbnails.some(({ problem }) => problem),
  }
  return [
    ...(analysis.record ? [{ title: 'Analysis', record: analysis.record }] : []),
    ...(text.record ? [{ title: 'Text with places', record: text.record }] : []),
    ...(text.plain ? [{ title: 'Text', record: text.plain }] : []),
    ...(correction ? [{ title: 'Corrections', record: `corrections/${stem}.json` }] : []),
    ...Object.entries(failing).flatMap(([step, fails]) =>
      fails ? [{ title: `Unfinished: ${step}`, record: `unfinished/${step}/${stem}.json` }] : [],
    ),
    ...thumbnails.flatMap(({ record, size, format }) =>
      record ? [{ title: `Thumbnail ${size.replace('x', ' × ')} ${format.toUpperCase()}`, record }] : [],
    ),
  ]
}

/**
 * With what the names of an image's records begin: its own name, or a digest of a very long one.
 *
 * @param {string} name
 * @param {string | undefined} record one of them, where there is one
 */
function stemOf(name, record) {
  return record?.startsWith('analysis/') ? record.slice('analysis/'.length, -'.json'.length) : name
}

/**
 * @param {string} name
 * @param {Told} told
 */
function item(name, { title, record }) {
  const inside = element('div', { class: 'record', hidden: true })
  const isText = /\.(json|txt)$/.test(record)
  const view = element(
    'button',
    { type: 'button', class: 'small', 'aria-expanded': 'false', onclick: toggle },
    'View',
    element('span', { class: 'unseen' }, ` ${title}`),
  )
  async function toggle() {
    inside.hidden = !inside.hidden
    view.setAttribute('aria-expanded', String(!inside.hidden))
    if (!inside.hidden && !inside.firstChild) await fill(inside, name, record)
  }
  return element(
    'li',
    {},
    element(
      'div',
      { class: 'head' },
      element('div', { class: 'what' }, element('span', {}, title), element('code', {}, apart(record))),
      isText ? view : null,
      element(
        'button',
        {
          type: 'button',
          class: 'small round',
          'aria-label': `Save ${title}`,
          title: 'Save',
          onclick: () => save(name, record, inside),
        },
        icon('save'),
      ),
    ),
    inside,
  )
}

/**
 * @param {HTMLElement} inside
 * @param {string} name
 * @param {string} record
 */
async function fill(inside, name, record) {
  inside.replaceChildren(element('p', { class: 'quiet' }, 'Loading…'))
  try {
    const response = await request('GET', addressOf('record', { name, record }))
    const text = await response.text()
    const all = record.endsWith('.json') ? laidOut(text) : text
    inside.replaceChildren(
      element(
        'pre',
        { tabindex: '0', role: 'region', 'aria-label': record, dir: 'auto' },
        ...(record.endsWith('.json') ? coloured(all.slice(0, MOST_SHOWN)) : [all.slice(0, MOST_SHOWN)]),
      ),
      ...(all.length > MOST_SHOWN
        ? [element('p', { class: 'note' }, 'This is its beginning. Save it to see all.')]
        : []),
    )
  } catch (error) {
    tell(inside, error)
  }
}

/** @param {string} json */
function laidOut(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 1)
  } catch {
    return json
  }
}

/**
 * JSON with its names, texts and numbers in their colours.
 *
 * @param {string} json
 * @returns {(Node | string)[]}
 */
function coloured(json) {
  const parts = json.split(/("(?:[^"\\]|\\.)*"(?=:)|"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|\btrue\b|\bfalse\b|\bnull\b)/)
  return parts.map((part, index) => {
    if (index % 2 === 0) return part
    const kind = part[0] !== '"' ? 'value' : parts[index + 1]?.startsWith(':') ? 'member' : 'string'
    return element('span', { class: kind }, part)
  })
}

/**
 * Save a record as a file. It is fetched, because a link sends no key.
 *
 * @param {string} name
 * @param {string} record
 * @param {HTMLElement} inside where an error is told
 */
async function save(name, record, inside) {
  try {
    const response = await request('GET', addressOf('record', { name, record }))
    const address = URL.createObjectURL(await response.blob())
    element('a', { href: address, download: record.replaceAll('/', '-') }).click()
    setTimeout(() => URL.revokeObjectURL(address), 10000)
  } catch (error) {
    inside.hidden = false
    tell(inside, error)
  }
}
