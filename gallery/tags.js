/**
 * Tags to correct: those of Computer Vision can be struck out, others added.
 */

import { apart, element } from './dom.js'
import { icon } from './icons.js'

/** Most tags that are added or removed, and the most characters of one. */
const MOST = 50
const LONGEST = 100

/**
 * @param {string[]} original what Computer Vision says
 */
export function chips(original) {
  /** @type {Set<string>} */
  let removed = new Set()
  /** @type {string[]} */
  let added = []
  const list = element('ul', { class: 'chips' })
  const box = /** @type {HTMLInputElement} */ (
    element('input', { id: 'correct-tag', maxlength: LONGEST, dir: 'auto', autocomplete: 'off', onkeydown: byEnter })
  )
  const whole = element(
    'div',
    { class: 'field', role: 'group', 'aria-label': 'Tags' },
    element('label', { for: 'correct-tag' }, 'Tags'),
    list,
    element('div', { class: 'row' }, box, element('button', { type: 'button', onclick: add }, 'Add')),
  )

  /** @param {KeyboardEvent} event */
  function byEnter(event) {
    if (event.key !== 'Enter' || event.isComposing) return
    event.preventDefault()
    add()
  }

  function add() {
    const tag = box.value.replace(/\s+/g, ' ').trim()
    box.value = ''
    box.focus()
    if (!tag) return
    const same = original.find((one) => alike(one, tag))
    if (same !== undefined) removed.delete(same)
    else if (added.length < MOST && !added.some((one) => alike(one, tag))) added.push(tag)
    show()
  }

  /** @param {string} [focus] the tag whose button had the focus */
  function show(focus) {
    list.replaceChildren(
      ...original.map((tag) =>
        element(
          'li',
          {},
          element(
            'button',
            {
              type: 'button',
              class: removed.has(tag) ? 'chip removed' : 'chip',
              'aria-pressed': String(!removed.has(tag)),
              'data-tag': tag,
              title: removed.has(tag) ? 'Say that the image has this tag' : 'Say that the image has not this tag',
              onclick: () => strike(tag),
            },
            apart(tag),
            icon(removed.has(tag) ? 'again' : 'close'),
          ),
        ),
      ),
      ...added.map((tag) =>
        element(
          'li',
          {},
          element(
            'button',
            {
              type: 'button',
              class: 'chip added',
              'data-tag': tag,
              title: 'Remove this tag again',
              'aria-label': `Remove ${tag}`,
              onclick: () => drop(tag),
            },
            apart(tag),
            icon('close'),
          ),
        ),
      ),
    )
    if (focus === undefined) return
    const there = /** @type {HTMLElement | null} */ (list.querySelector(`[data-tag="${CSS.escape(focus)}"]`))
    ;(there ?? box).focus()
  }

  /** @param {string} tag */
  function strike(tag) {
    if (!removed.delete(tag)) removed.add(tag)
    show(tag)
  }

  /** @param {string} tag */
  function drop(tag) {
    added = added.filter((one) => one !== tag)
    show(tag)
  }

  return {
    whole,
    /** @param {{added?: string[], removed?: string[]}} said */
    fill(said) {
      added = [...(said.added ?? [])]
      removed = new Set(original.filter((tag) => said.removed?.some((one) => alike(one, tag))))
      show()
    },
    /** @returns {{added: string[], removed: string[]}} the tags, with one that is still in the box */
    wanted() {
      const typed = box.value.replace(/\s+/g, ' ').trim()
      const isNew = typed && ![...original, ...added].some((one) => alike(one, typed))
      return { added: isNew ? [...added, typed] : [...added], removed: [...removed] }
    },
  }
}

/**
 * @param {string} one
 * @param {string} other
 */
function alike(one, other) {
  return one.toLowerCase() === other.toLowerCase()
}
