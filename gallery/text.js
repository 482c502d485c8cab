/**
 * The text of an image or a page, line by line, to read, to select and to copy.
 */

import { counted } from './format.js'
import { addressOf, request } from './data.js'
import { element, say } from './dom.js'
import { icon } from './icons.js'
import { isFound } from './marks.js'
import { folded } from './panel.js'

/** @typedef {import('./types.js').Shown} Shown */

/**
 * @param {Shown} shown
 * @param {(line: number | null) => void} onLine told which line the pointer or the focus is on
 * @returns {HTMLElement | null} null where there is no text
 */
export function textOf(shown, onLine) {
  const { page, pages, state, why } = shown
  if (state.text.state !== 'done' || !page) return null
  const places = why.flatMap((one) => one.places)
  const aside = pages > 1 ? `page ${page.page} of ${pages}` : counted(page.lines.length, 'line')
  return folded('text', 'Text', aside, () => [
    page.lines.length ? copying(shown) : null,
    state.text.notice
      ? element('p', { class: 'note' }, state.text.notice.message, ' ', state.text.notice.action)
      : null,
    page.lines.length
      ? element(
          'div',
          {
            class: 'lines',
            tabindex: '0',
            role: 'region',
            'aria-label': 'Text by lines',
            onpointerleave: () => onLine(null),
          },
          ...page.lines.map((line, index) => lineOf(line, index, page.page, places, onLine)),
        )
      : element('p', { class: 'quiet' }, 'There are no words on this page.'),
  ])
}

/**
 * @param {import('./types.js').ReadLine} line
 * @param {number} index
 * @param {number} page
 * @param {import('./types.js').Place[]} places
 * @param {(line: number | null) => void} onLine
 */
function lineOf(line, index, page, places, onLine) {
  const marked = line.words.some((word) => isFound(word, page, places))
  const inside = marked
    ? line.words.flatMap((word, at) => {
        const written = isFound(word, page, places) ? element('mark', {}, word.text) : word.text
        return at ? [' ', written] : [written]
      })
    : [line.text]
  return element('p', { dir: 'auto', onpointerenter: () => onLine(index) }, ...inside)
}

/** @param {Shown} shown */
function copying(shown) {
  const { page, pages, state } = shown
  const lines = page?.lines.map(({ text }) => text).join('\n') ?? ''
  return element(
    'p',
    { class: 'row' },
    copyButton(pages > 1 ? 'Copy this page' : 'Copy', async () => lines),
    pages > 1 && state.text.plain
      ? copyButton('Copy all pages', () => whole(shown.name, /** @type {string} */ (state.text.plain)))
      : null,
  )
}

/**
 * @param {string} name
 * @param {string} record
 */
async function whole(name, record) {
  const response = await request('GET', addressOf('record', { name, record }))
  return response.text()
}

/**
 * @param {string} label
 * @param {() => Promise<string>} text
 */
function copyButton(label, text) {
  const said = element('span', {}, label)
  const button = element(
    'button',
    { type: 'button', class: 'with-icon', 'data-focus': label, onclick: copy },
    icon('copy'),
    said,
  )
  async function copy() {
    try {
      await navigator.clipboard.writeText(await text())
      tell('Copied')
    } catch {
      tell('Not copied: select it')
    }
  }
  /** @param {string} result */
  function tell(result) {
    said.textContent = result
    say(result)
    setTimeout(() => {
      said.textContent = label
    }, 2000)
  }
  return button
}
