/**
 * What stands in place of the images where there are none: why, and what to do.
 */

import { element } from './dom.js'
import { icon } from './icons.js'
import { termsOf, without } from './terms.js'

/**
 * @param {HTMLElement} root
 * @param {import('./types.js').Session} session
 * @param {{onQuery: (q: string) => void}} list
 */
export function openEmpty(root, session, list) {
  const writes = session.writable && session.role === 'editor'
  return {
    hide() {
      root.hidden = true
    },
    /** @param {boolean} building */
    noImages(building) {
      show(root, building ? indexBeingMade() : noImages(writes))
    },
    /** @param {string} q */
    nothingFound(q) {
      show(root, nothingFound(q, list.onQuery))
    },
    /** @param {import('./data.js').Refusal} refusal */
    noAnswer(refusal) {
      show(root, noAnswer(refusal))
    },
  }
}

/**
 * @param {HTMLElement} root
 * @param {HTMLElement[]} content
 */
function show(root, content) {
  root.replaceChildren(...content)
  root.hidden = false
}

/** @param {boolean} writes */
function noImages(writes) {
  const here = [
    element(
      'p',
      {},
      'Drop pictures or documents anywhere on this page. Each is described, read and found from then on.',
    ),
    element('p', {}, element('button', { type: 'button', class: 'first', onclick: choose }, 'Choose files')),
  ]
  const elsewhere = [
    element(
      'p',
      {},
      'Put pictures or documents into the storage container ',
      element('code', {}, 'images'),
      ': each is described, read and found from then on.',
    ),
  ]
  return [sign('empty'), element('h2', {}, 'No images yet'), ...(writes ? here : elsewhere)]
}

/** The uploads listen for it. */
function choose() {
  document.dispatchEvent(new CustomEvent('choose-files'))
}

function indexBeingMade() {
  return [
    sign('empty'),
    element('h2', {}, 'The index is being made'),
    element('p', {}, 'Images appear here by themselves as soon as they are in it.'),
  ]
}

/**
 * @param {string} q
 * @param {(q: string) => void} onQuery
 */
function nothingFound(q, onQuery) {
  const terms = termsOf(q)
  const fewer =
    terms.length < 2
      ? []
      : terms
          .slice(0, 6)
          .map(({ asked }) =>
            element(
              'button',
              { type: 'button', onclick: () => onQuery(without(q, [asked])) },
              'Without ',
              element('bdi', {}, shortened(asked)),
            ),
          )
  return [
    sign('search'),
    element('h2', {}, 'Nothing found'),
    element('p', {}, 'No image has all of ', element('bdi', { class: 'asked-for' }, shortened(q.trim())), '.'),
    element(
      'p',
      { class: 'hints' },
      terms.length > 1
        ? 'Ask for less:'
        : 'Look at the spelling, or use another word. One wrong letter in a long word does not matter.',
    ),
    element(
      'p',
      { class: 'choices' },
      ...fewer,
      element(
        'button',
        { type: 'button', class: fewer.length ? '' : 'first', onclick: () => onQuery('') },
        'Show all images',
      ),
    ),
  ]
}

/** @param {import('./data.js').Refusal} refusal */
function noAnswer({ status, message, action }) {
  return [
    sign('wrong'),
    element('h2', {}, status === 0 ? 'The app does not answer' : 'The images cannot be shown now'),
    element('p', {}, status === 0 ? 'It may be starting, or you may be offline.' : `${message} ${action}`),
    element('p', { class: 'hints' }, 'The page tries again by itself.'),
  ]
}

/** @param {string} text */
function shortened(text) {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** @param {Parameters<typeof icon>[0]} name */
function sign(name) {
  return element('div', { class: 'empty-sign' }, icon(name))
}
