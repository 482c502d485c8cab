/**
 * The dialog of one image, with all that every image has: its name, its state, the ways to the images beside it.
 */

import { at, element } from './dom.js'
import { STATES } from './format.js'
import { icon } from './icons.js'
import { makeStage } from './stage.js'

/** @typedef {import('./types.js').State} State */

/**
 * @param {{
 *   onStep: (step: 1 | -1) => void,
 *   onLeave: () => void,
 *   onClosed: () => void,
 *   onPage: (page: number) => void,
 *   neighbour: (step: 1 | -1) => string | null,
 * }} deeds `onLeave` asks to close, `onClosed` is told that the browser has closed it by itself
 */
export function makeDialog({ onStep, onLeave, onClosed, onPage, neighbour }) {
  const whole = /** @type {HTMLDialogElement} */ (at('picture'))
  const stage = makeStage({ onPage, onStep })
  const title = element('h2', { id: 'picture-name', tabindex: '-1', autofocus: true })
  const badge = element('span', { class: 'phase', hidden: true })
  const before = round('before', 'Image before', () => onStep(-1))
  const after = round('after', 'Next image', () => onStep(1))
  const close = round('close', 'Close', onLeave)
  const panel = element('div', { class: 'panel', tabindex: '-1' })
  const body = element('div', { class: 'picture-body' }, stage.whole, panel)
  whole.classList.add('picture')
  whole.setAttribute('aria-labelledby', 'picture-name')
  whole.append(
    element('header', { class: 'picture-top' }, title, badge, element('div', { class: 'steps' }, before, after, close)),
    body,
    element('div', { class: 'unseen say', role: 'status' }),
  )
  listen(whole, { onLeave, onClosed })

  return {
    whole,
    stage,
    panel,
    body,
    /**
     * Show that an image is open of which nothing is known yet.
     *
     * @param {string} name
     */
    begin(name) {
      title.replaceChildren(...nameParts(name))
      title.title = name
      badge.hidden = true
      body.classList.remove('alone')
      panel.replaceChildren(element('p', { class: 'part quiet coming' }, 'Loading…'))
      stage.clear()
      if (!whole.open) whole.showModal()
      panel.scrollTop = body.scrollTop = 0
    },
    /** @param {State} state */
    showState(state) {
      badge.hidden = false
      badge.className = `phase ${state}`
      badge.textContent = STATES[state]
    },
    /** Let the buttons to the images beside this one work where there are such images. */
    showSteps() {
      const had = document.activeElement
      before.disabled = neighbour(-1) === null
      after.disabled = neighbour(1) === null
      if ((had === before && before.disabled) || (had === after && after.disabled)) close.focus()
    },
    /**
     * Show nothing but why there is no image.
     *
     * @param {{message: string, action: string}} reason
     */
    fail({ message, action }) {
      badge.hidden = true
      stage.clear()
      panel.replaceChildren()
      body.classList.add('alone')
      stage.tell({ message, action, bad: true })
    },
  }
}

/**
 * @param {HTMLDialogElement} whole
 * @param {{onLeave: () => void, onClosed: () => void}} deeds
 */
function listen(whole, { onLeave, onClosed }) {
  whole.addEventListener('cancel', (event) => {
    if (event.target !== whole) return
    event.preventDefault()
    onLeave()
  })
  // Chromium closes a dialog at the second Escape in a row, even against its listener.
  whole.addEventListener('close', (event) => {
    if (event.target === whole) onClosed()
  })
  whole.addEventListener('mousedown', (event) => {
    if (event.target === whole && isBeside(whole, event)) onLeave()
  })
}

/**
 * Whether the pointer is on the backdrop, whose events are those of the dialog.
 *
 * @param {HTMLElement} whole
 * @param {MouseEvent} event
 */
function isBeside(whole, { clientX, clientY }) {
  const { left, right, top, bottom } = whole.getBoundingClientRect()
  return clientX < left || clientX > right || clientY < top || clientY > bottom
}

/**
 * A name with its folder above it, each in its own direction of writing.
 *
 * @param {string} name
 * @returns {HTMLElement[]}
 */
function nameParts(name) {
  const slash = name.lastIndexOf('/', name.length - 2)
  const base = element('bdi', { class: 'base' }, name.slice(slash + 1))
  if (slash < 1) return [base]
  return [element('bdi', { class: 'folder' }, name.slice(0, slash)), element('span', { class: 'unseen' }, '/'), base]
}

/**
 * @param {string} sign
 * @param {string} label
 * @param {() => void} onPress
 */
function round(sign, label, onPress) {
  const told = { type: 'button', class: 'round', 'aria-label': label, title: label, onclick: onPress }
  return /** @type {HTMLButtonElement} */ (element('button', told, icon(sign)))
}
