/**
 * Which sections stand beside the picture, in their order, and on what each depends.
 */

import { about, facts } from './about.js'
import { receiptWhenAsked } from './loading.js'
import { receiptOf } from './receipt.js'
import { recordsOf } from './records.js'
import { removal } from './removal.js'
import { decisionsOf, missing } from './steps.js'
import { textOf } from './text.js'
import { thumbnailsOf } from './thumbnails.js'

/**
 * @param {import('./types.js').Shown} shown
 * @param {{
 *   form: HTMLElement | null,
 *   onRetry: (step: string | null) => Promise<void>,
 *   onCorrect: () => void,
 *   onRemoved: () => void,
 *   onLine: (line: number | null) => void,
 * }} deeds `form` stands in place of what it corrects
 * @returns {import('./panel.js').Section[]}
 */
export function sectionsOf(shown, { form, onRetry, onCorrect, onRemoved, onLine }) {
  const { name, session, state, analysis, page, pages, why, found } = shown
  const isEditor = session.role === 'editor'
  const receipt = receiptWhenAsked(name)
  return [
    { key: 'missing', of: [name, state], make: () => missing(shown, isEditor ? onRetry : null) },
    form
      ? { key: 'correct', of: name, make: () => form }
      : {
          key: 'about',
          of: [name, state.analysis, state.correction],
          make: () => about(shown, isEditor ? onCorrect : null),
        },
    { key: 'text', of: [name, state.text, page, why], make: () => textOf(shown, onLine) },
    { key: 'thumbnails', of: [name, state.thumbnails, state.correction?.etag], make: () => thumbnailsOf(shown) },
    { key: 'facts', of: [name, state.source, analysis?.source, pages, found?.uploaded], make: () => facts(shown) },
    { key: 'decisions', of: [name, state], make: () => decisionsOf(receipt) },
    { key: 'receipt', of: [name, state], make: () => receiptOf(name, receipt) },
    { key: 'records', of: [name, state], make: () => recordsOf(shown) },
    {
      key: 'removal',
      of: [name, state.source.etag],
      make: () => (isEditor && session.writable ? removal(shown, onRemoved) : null),
    },
  ]
}
