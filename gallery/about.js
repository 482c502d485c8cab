/**
 * An image at a glance: its sentence, its alternative text, its tags, and facts about the file.
 */

import { bytesSaid, cameraTimeSaid, shareSaid, timeSaid } from './format.js'
import { addressOf } from './address.js'
import { apart, element } from './dom.js'
import { icon } from './icons.js'
import { typed } from './terms.js'

/** @typedef {import('./types.js').Shown} Shown */

/**
 * @param {Shown} shown
 * @param {(() => void) | null} onCorrect null for those who may not
 * @returns {HTMLElement}
 */
export function about(shown, onCorrect) {
  const { analysis, correction } = shown.state
  return element(
    'section',
    { class: 'part about', 'aria-label': 'About the image' },
    analysis.caption ? element('p', { class: 'sentence', dir: 'auto' }, analysis.caption) : null,
    analysis.caption ? element('p', { class: 'quiet' }, captionSource(shown)) : null,
    correction && correction.current === false
      ? element('p', { class: 'note' }, 'The corrections were made for an earlier version of this image.')
      : null,
    altLine(shown),
    analysis.tags.length ? tags(shown) : null,
    onCorrect
      ? element(
          'button',
          { type: 'button', class: 'with-icon', 'data-focus': 'correct', onclick: onCorrect },
          icon('edit'),
          analysis.caption || analysis.tags.length ? 'Correct' : 'Add a sentence or tags',
        )
      : null,
  )
}

/** @param {Shown} shown */
function captionSource({ state: { analysis, correction } }) {
  if (correction?.caption) return `Corrected ${timeSaid(correction.at)}`
  return analysis.captionConfidence === null
    ? 'By Computer Vision'
    : `By Computer Vision, ${shareSaid(analysis.captionConfidence)} sure`
}

/** @param {Shown} shown */
function altLine({ state: { correction } }) {
  if (correction?.alt === undefined) return null
  if (correction.alt === '') return element('p', { class: 'alt quiet' }, 'Decoration: readers of screens pass over it.')
  return element(
    'p',
    { class: 'alt' },
    element('span', { class: 'quiet' }, 'Alternative text: '),
    apart(correction.alt),
  )
}

/** @param {Shown} shown */
function tags({ state: { analysis, correction } }) {
  const added = new Set((correction?.tags?.added ?? []).map((tag) => tag.toLowerCase()))
  return element(
    'ul',
    { class: 'chips', 'aria-label': 'Tags' },
    ...analysis.tags.map((tag) =>
      element(
        'li',
        {},
        element(
          'a',
          {
            class: added.has(tag.toLowerCase()) ? 'chip added' : 'chip',
            href: addressOf({ q: typed('tag', tag), sort: 'match', image: null }),
            title: 'Find all images with this tag',
          },
          apart(tag),
        ),
      ),
    ),
  )
}

/**
 * Sides, size, kind and times of the file.
 *
 * @param {Shown} shown
 * @returns {HTMLElement}
 */
export function facts({ name: ofImage, state, analysis, found, pages }) {
  const width = analysis?.source.width ?? found?.width
  const height = analysis?.source.height ?? found?.height
  const taken = analysis?.source.taken ?? found?.taken
  const uploaded = analysis?.source.uploaded ?? found?.uploaded
  /** @type {[string, string | null][]} */
  const rows = [
    ['Name', ofImage],
    ['Size', width && height ? `${width} × ${height} pixels` : null],
    ['Pages', pages > 1 ? String(pages) : null],
    ['File', `${bytesSaid(state.source.bytes)}${state.source.contentType ? `, ${state.source.contentType}` : ''}`],
    ['Taken', taken ? cameraTimeSaid(taken) : null],
    ['Uploaded', uploaded ? timeSaid(uploaded) : null],
  ]
  return element(
    'dl',
    { class: 'part facts' },
    ...rows.flatMap(([name, value]) =>
      value === null ? [] : [element('dt', {}, name), element('dd', {}, apart(value))],
    ),
  )
}
