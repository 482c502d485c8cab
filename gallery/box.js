/**
 * The box in which people say what they look for, with suggestions below it.
 */

import { get, Refusal } from './data.js'
import { element, say } from './dom.js'
import { counted, number } from './format.js'
import { icon } from './icons.js'
import { rarely } from './pace.js'

/** @typedef {import('./types.js').Suggestion} Suggestion */

/** The first keystroke leaves at once; of fast ones not each asks the app. */
const KEYSTROKE_MILLISECONDS = 70
/** Suggestions come behind the images, which are what people wait for. */
const SUGGESTION_MILLISECONDS = 140

/**
 * @param {HTMLElement} form
 * @param {{onQuery: (q: string) => void, onDone: () => void}} list told of each query that is typed, and of Enter
 * @returns {{put: (q: string) => void}} `put` puts a query into the box, unless a person is typing
 */
export function openBox(form, list) {
  const box = new Box(form, list)
  return { put: (q) => box.put(q) }
}

class Box {
  /** @type {Suggestion[]} */
  #suggestions = []
  #chosen = -1
  /** @type {AbortController | null} */
  #asked = null

  /**
   * @param {HTMLElement} form
   * @param {{onQuery: (q: string) => void, onDone: () => void}} list
   */
  constructor(form, list) {
    this.list = list
    this.input = /** @type {HTMLInputElement} */ (
      element('input', {
        id: 'q',
        type: 'text',
        role: 'combobox',
        inputmode: 'search',
        enterkeyhint: 'search',
        autocomplete: 'off',
        autocapitalize: 'none',
        spellcheck: 'false',
        maxlength: '2000',
        dir: 'auto',
        'aria-autocomplete': 'list',
        'aria-expanded': 'false',
        'aria-controls': 'suggestions',
        placeholder: 'Search names, captions, tags, text',
      })
    )
    this.options = element('ul', { id: 'suggestions', role: 'listbox', 'aria-label': 'Suggestions', hidden: true })
    this.clear = element(
      'button',
      { type: 'button', class: 'clear plain', 'aria-label': 'Empty the box', hidden: true },
      icon('close'),
    )
    this.hint = element('kbd', { 'aria-hidden': 'true' }, '/')
    form.append(
      element('label', { class: 'unseen', for: 'q' }, 'Search images'),
      icon('search'),
      this.input,
      this.hint,
      this.clear,
      this.options,
    )
    this.query = rarely(KEYSTROKE_MILLISECONDS, () => list.onQuery(this.input.value))
    this.suggest = rarely(SUGGESTION_MILLISECONDS, () => void this.#ask(), { late: true })
    this.#listen(form)
  }

  /** @param {string} q */
  put(q) {
    if (this.input.value === q) return
    // Spaces at the ends mean nothing, and belong to the person who is typing them.
    if (document.activeElement === this.input && this.input.value.trim() === q.trim()) return
    this.input.value = q
    this.#close()
    this.#dress()
  }

  /** @param {HTMLElement} form */
  #listen(form) {
    this.input.addEventListener('input', (event) => {
      if (!(/** @type {InputEvent} */ (event).isComposing)) this.#changed()
    })
    this.input.addEventListener('compositionend', () => this.#changed())
    this.input.addEventListener('keydown', (event) => this.#key(event))
    this.input.addEventListener('blur', () => this.#close())
    this.clear.addEventListener('click', () => this.#take(''))
    // The box keeps the focus while one of the suggestions is pressed.
    this.options.addEventListener('pointerdown', (event) => event.preventDefault())
    this.options.addEventListener('click', (event) => this.#pressed(event))
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      this.#close()
      this.query.now()
      this.list.onDone()
    })
    document.addEventListener('keydown', (event) => this.#slash(event))
  }

  #changed() {
    this.#dress()
    this.query()
    this.suggest()
  }

  #dress() {
    this.clear.hidden = this.input.value === ''
    this.hint.hidden = this.input.value !== ''
  }

  /** @param {KeyboardEvent} event */
  #slash(event) {
    const target = /** @type {Element} */ (event.target)
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return
    if (target.closest('input, textarea, select, [contenteditable], dialog')) return
    event.preventDefault()
    this.input.focus()
    this.input.select()
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return
    const open = !this.options.hidden
    if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault()
      this.#choose(event.key === 'ArrowDown' ? 1 : -1)
    } else if (event.key === 'ArrowDown') {
      event.preventDefault()
      void this.#ask()
    } else if (event.key === 'Enter' && open && this.#chosen >= 0) {
      event.preventDefault()
      this.#take(this.#suggestions[this.#chosen].text)
    } else if (event.key === 'Escape' && (open || this.input.value)) {
      event.preventDefault()
      if (open) this.#close()
      else this.#take('')
    }
  }

  /** @param {1 | -1} step */
  #choose(step) {
    const count = this.#suggestions.length + 1
    // One more place than suggestions: what was typed.
    this.#chosen = ((this.#chosen + 1 + step + count) % count) - 1
    this.#mark()
  }

  #mark() {
    const all = [...this.options.children]
    all.forEach((option, at) => option.setAttribute('aria-selected', String(at === this.#chosen)))
    const chosen = all[this.#chosen]
    if (chosen) {
      this.input.setAttribute('aria-activedescendant', chosen.id)
      chosen.scrollIntoView({ block: 'nearest' })
    } else this.input.removeAttribute('aria-activedescendant')
  }

  /** @param {MouseEvent} event */
  #pressed(event) {
    const option = /** @type {Element} */ (event.target).closest('[role=option]')
    const at = option ? [...this.options.children].indexOf(option) : -1
    if (at >= 0) this.#take(this.#suggestions[at].text)
  }

  /** @param {string} text */
  #take(text) {
    this.input.value = text
    this.#dress()
    this.#close()
    this.input.focus()
    this.query.now()
  }

  #close() {
    this.suggest.never()
    this.#asked?.abort()
    this.#asked = null
    this.#suggestions = []
    this.#chosen = -1
    this.options.hidden = true
    this.input.setAttribute('aria-expanded', 'false')
    this.input.removeAttribute('aria-activedescendant')
  }

  async #ask() {
    const q = this.input.value
    this.#asked?.abort()
    if (!q.trim() || document.activeElement !== this.input) {
      this.#close()
      return
    }
    const asked = new AbortController()
    this.#asked = asked
    try {
      /** @type {{suggestions: Suggestion[]}} */
      const { suggestions } = await get('suggestions', { q }, { signal: asked.signal })
      if (!asked.signal.aborted) this.#show(suggestions.filter(({ text }) => text.trim() !== q.trim()))
    } catch (error) {
      // The search itself tells the fault; without suggestions the box works as well.
      if (error instanceof Refusal) this.#close()
    }
  }

  /** @param {Suggestion[]} suggestions */
  #show(suggestions) {
    this.#suggestions = suggestions
    this.#chosen = -1
    this.options.replaceChildren(...suggestions.map(optionOf))
    this.options.hidden = !suggestions.length
    this.input.setAttribute('aria-expanded', String(suggestions.length > 0))
    this.input.removeAttribute('aria-activedescendant')
    if (suggestions.length) say(counted(suggestions.length, 'suggestion'))
  }
}

/**
 * @param {Suggestion} suggestion
 * @param {number} at
 */
function optionOf({ label, kind, count }, at) {
  return element(
    'li',
    { id: `suggestion-${at}`, role: 'option', 'aria-selected': 'false' },
    icon(kind),
    element('bdi', { class: 'label' }, label),
    element('span', { class: 'kind' }, kind === 'word' || kind === 'operator' ? null : kind),
    element('span', { class: 'count' }, count === null ? null : number(count)),
  )
}
