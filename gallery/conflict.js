/**
 * Two people who correct one image at the same time.
 */

import { apart, element } from './dom.js'

/** @typedef {import('./types.js').Correction} Correction */
/** @typedef {import('./types.js').CorrectionWanted} Wanted */

/**
 * Whether a correction says the same as the wanted one.
 *
 * @param {Correction | null} said
 * @param {Wanted | null} wanted
 */
export function sameAs(said, wanted) {
  if (!said || !wanted) return !said && !wanted
  /** @param {Wanted} one */
  const print = ({ caption, alt, tags, focal }) =>
    JSON.stringify([caption ?? null, alt ?? null, tags?.added ?? [], tags?.removed ?? [], focal ?? null])
  return print(said) === print(wanted)
}

/**
 * What another person has said meanwhile, and the choice between the two.
 *
 * @param {Correction | null} theirs
 * @param {{take: () => void, keep: () => void}} choices
 */
export function conflict(theirs, { take, keep }) {
  /** @type {[string, string | undefined][]} */
  const said = [
    ['Sentence', theirs?.caption],
    ['Alternative text', theirs?.alt === '' ? 'decoration' : theirs?.alt],
    ['Tags added', theirs?.tags?.added.join(', ')],
    ['Tags removed', theirs?.tags?.removed.join(', ')],
    ['Focal point', theirs?.focal?.map((part) => `${Math.round(part * 100)} %`).join(', ')],
  ]
  return element(
    'div',
    { class: 'notice wait conflict' },
    element('h4', {}, 'Another person was faster'),
    element(
      'p',
      {},
      theirs
        ? 'Since you began, this image was corrected. Nothing of yours is saved yet. It now says:'
        : 'Since you began, the corrections of this image were taken back. Nothing of yours is saved yet.',
    ),
    element(
      'dl',
      { class: 'facts' },
      ...said.flatMap(([title, value]) => (value ? [element('dt', {}, title), element('dd', {}, apart(value))] : [])),
    ),
    element(
      'div',
      { class: 'row' },
      element('button', { type: 'button', onclick: take }, theirs ? 'Take theirs' : 'Begin anew'),
      element('button', { type: 'button', onclick: keep }, 'Save mine instead'),
    ),
  )
}
