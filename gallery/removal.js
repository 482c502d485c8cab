/**
 * Deleting an image, after a question.
 */

import { addressOf, Refusal, request } from './data.js'
import { apart, element } from './dom.js'
import { icon } from './icons.js'

/**
 * A button that asks and deletes.
 *
 * @param {import('./types.js').Shown} shown
 * @param {() => void} onGone
 * @returns {HTMLElement}
 */
export function removal({ name, state }, onGone) {
  return element(
    'section',
    { class: 'part' },
    element(
      'button',
      {
        type: 'button',
        class: 'danger with-icon',
        'data-focus': 'delete',
        onclick: () => ask(name, state.source.etag, onGone),
      },
      icon('bin'),
      'Delete this image',
    ),
  )
}

/**
 * @param {string} name
 * @param {string} etag of the version that was looked at, so that none is deleted that came since
 * @param {() => void} onGone
 */
function ask(name, etag, onGone) {
  const told = element('p', { class: 'refused', role: 'alert', hidden: true })
  const sure = /** @type {HTMLButtonElement} */ (
    element('button', { type: 'button', class: 'first bad', onclick: remove }, 'Delete')
  )
  const keep = element('button', { type: 'button', autofocus: true, onclick: () => box.close() }, 'Keep it')
  const box = /** @type {HTMLDialogElement} */ (
    element(
      'dialog',
      { class: 'question', 'aria-labelledby': 'question-title', onclose: () => box.remove() },
      element('h2', { id: 'question-title' }, 'Delete this image?'),
      element('p', { class: 'long-name' }, apart(name)),
      element('p', {}, 'The file goes, and with it its thumbnails, its text, its records and its corrections.'),
      told,
      element('div', { class: 'row end' }, keep, sure),
    )
  )

  async function remove() {
    sure.disabled = true
    sure.textContent = 'Deleting…'
    told.hidden = true
    try {
      await request('DELETE', addressOf('images', { name }), { headers: { 'if-match': `"${etag}"` } })
      box.close()
      onGone()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.status === 404) {
        box.close()
        onGone()
        return
      }
      told.hidden = false
      told.textContent = `${error.message} ${error.action}`
      sure.disabled = false
      sure.textContent = 'Delete'
    }
  }

  document.getElementById('picture')?.append(box)
  box.showModal()
}
