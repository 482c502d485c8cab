/**
 * The form with which people correct an image: its sentence, alternative text, tags and focal point.
 */

import { conflict, sameAs } from './conflict.js'
import { addressOf, get, Refusal, request } from './data.js'
import { element, say } from './dom.js'
import { handle, previews } from './focal.js'
import { chips } from './tags.js'

/** @typedef {import('./types.js').Shown} Shown */
/** @typedef {import('./types.js').Correction} Correction */
/** @typedef {import('./types.js').CorrectionWanted} Wanted */

/**
 * @param {Shown} shown
 * @param {HTMLElement} frame of the picture, for the focal point
 * @param {{onSaved: () => void, onLeft: () => void}} listeners
 * @returns {{whole: HTMLElement, isChanged: () => boolean, warn: () => void, leave: () => void}} `warn` says that there
 *   is something to save, `leave` takes the focal point off the picture
 */
export function correctionForm(shown, frame, { onSaved, onLeft }) {
  const { name, state } = shown
  let etag = state.correction?.etag ?? null
  const fields = fieldsOf(shown, frame)
  const told = element('div', { class: 'told', role: 'alert' })
  const save = /** @type {HTMLButtonElement} */ (element('button', { class: 'first' }, 'Save'))
  const back = element(
    'button',
    { type: 'button', class: 'danger', hidden: !state.correction, onclick: () => void send(null) },
    'Take all back',
  )
  const whole = element(
    'form',
    { class: 'part correct', 'aria-label': 'Correct', onsubmit: submit },
    element('h3', {}, 'Correct'),
    fields.whole,
    told,
    element('div', { class: 'row' }, save, element('button', { type: 'button', onclick: onLeft }, 'Cancel'), back),
  )
  fields.fill(state.correction ?? null)
  let before = JSON.stringify(fields.wanted())

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault()
    void send(fields.wanted())
  }

  /** @param {Wanted | null} wanted null takes all back */
  async function send(wanted) {
    save.disabled = true
    told.replaceChildren()
    try {
      await put(name, wanted && Object.keys(wanted).length ? wanted : null, etag)
      say(wanted ? 'Saved.' : 'Taken back.')
      onSaved()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      await tell(error, wanted)
    } finally {
      save.disabled = false
    }
  }

  /**
   * @param {Refusal} refusal
   * @param {Wanted | null} wanted
   */
  async function tell(refusal, wanted) {
    if (refusal.code !== 'correction_changed' && refusal.code !== 'busy') {
      told.replaceChildren(element('p', { class: 'refused' }, refusal.message, ' ', refusal.action))
      return
    }
    const theirs = await correctionOf(name)
    etag = theirs?.etag ?? null
    // A request whose answer was lost, or whose thumbnails are still to be cut, has stored just this.
    if (sameAs(theirs, wanted)) {
      told.replaceChildren(
        element(
          'p',
          { class: 'refused' },
          refusal.code === 'busy'
            ? 'It is stored, but the thumbnails could not be cut yet. Save once more in a moment.'
            : 'It is stored already. Save once more to be sure that the thumbnails follow.',
        ),
      )
      return
    }
    told.replaceChildren(
      conflict(theirs, {
        take() {
          fields.fill(theirs)
          before = JSON.stringify(fields.wanted())
          told.replaceChildren()
        },
        keep: () => void send(wanted),
      }),
    )
  }

  return {
    whole,
    isChanged: () => JSON.stringify(fields.wanted()) !== before,
    warn() {
      told.replaceChildren(element('p', { class: 'refused' }, 'You have changed something. Save it, or cancel.'))
      save.focus()
    },
    leave: fields.leave,
  }
}

/**
 * Store a correction, unless another person has made one since.
 *
 * @param {string} name
 * @param {Wanted | null} wanted null takes the correction back
 * @param {string | null} etag of the correction that was shown; null where there was none
 */
async function put(name, wanted, etag) {
  if (!wanted && etag === null) return
  await request(wanted ? 'PUT' : 'DELETE', addressOf('corrections', { name }), {
    headers: etag === null ? { 'if-none-match': '*' } : { 'if-match': `"${etag}"` },
    ...(wanted ? { body: JSON.stringify(wanted) } : {}),
  })
}

/**
 * @param {string} name
 * @returns {Promise<Correction | null>} null where there is none
 */
async function correctionOf(name) {
  try {
    return await get('corrections', { name })
  } catch (error) {
    if (error instanceof Refusal && error.code === 'correction_not_found') return null
    throw error
  }
}

/**
 * The fields of the form.
 *
 * @param {Shown} shown
 * @param {HTMLElement} frame
 */
function fieldsOf(shown, frame) {
  const { analysis, state } = shown
  const original = analysis?.result.description?.captions?.[0]?.text ?? ''
  const caption = area('caption', 1000, 'One sentence about the image')
  const alt = area('alt', 2000, 'The sentence')
  const decoration = /** @type {HTMLInputElement} */ (
    element('input', {
      type: 'checkbox',
      id: 'correct-decoration',
      onchange: () => {
        alt.disabled = decoration.checked
      },
    })
  )
  const tags = chips(originalTags(shown))
  const focal = state.analysis.state === 'none' ? null : focalField(shown, frame)
  return {
    whole: element(
      'div',
      { class: 'fields' },
      labelled('caption', 'Sentence', caption),
      labelled('alt', 'Alternative text, for readers of screens', alt),
      element(
        'p',
        { class: 'check' },
        decoration,
        element('label', { for: 'correct-decoration' }, 'Decoration: they pass over it'),
      ),
      tags.whole,
      focal?.whole ?? null,
    ),
    /** @param {Correction | null} correction */
    fill(correction) {
      caption.value = correction?.caption ?? original
      alt.value = correction?.alt ?? ''
      decoration.checked = correction?.alt === ''
      alt.disabled = decoration.checked
      tags.fill(correction?.tags ?? { added: [], removed: [] })
      focal?.fill(/** @type {[number, number] | null} */ (correction?.focal ?? null))
    },
    /** @returns {Wanted} */
    wanted() {
      const said = { caption: line(caption.value), alt: line(alt.value), tags: tags.wanted(), focal: focal?.wanted() }
      return {
        ...(said.caption && said.caption !== original ? { caption: said.caption } : {}),
        ...(decoration.checked ? { alt: '' } : said.alt ? { alt: said.alt } : {}),
        ...(said.tags.added.length || said.tags.removed.length ? { tags: said.tags } : {}),
        ...(said.focal ? { focal: said.focal } : {}),
      }
    },
    leave: () => focal?.leave(),
  }
}

/**
 * @param {string} text of a field, in which a line break is a space
 */
function line(text) {
  return text.replace(/\s+/g, ' ').trim()
}

/** @param {Shown} shown */
function originalTags({ state: { analysis, correction } }) {
  const added = new Set(correction?.tags?.added.map((tag) => tag.toLowerCase()) ?? [])
  return [...analysis.tags.filter((tag) => !added.has(tag.toLowerCase())), ...(correction?.tags?.removed ?? [])]
}

/**
 * @param {string} id
 * @param {number} most
 * @param {string} placeholder
 */
function area(id, most, placeholder) {
  return /** @type {HTMLTextAreaElement} */ (
    element('textarea', { id: `correct-${id}`, maxlength: most, rows: 2, dir: 'auto', placeholder })
  )
}

/**
 * @param {string} id
 * @param {string} title
 * @param {HTMLElement} field
 */
function labelled(id, title, field) {
  return element('p', { class: 'field' }, element('label', { for: `correct-${id}` }, title), field)
}

/**
 * @param {Shown} shown
 * @param {HTMLElement} frame
 */
function focalField(shown, frame) {
  /** @type {[number, number] | null} */
  let point = null
  /** @type {{focus: () => void, remove: () => void} | null} */
  let knob = null
  const looks = previews(shown)
  const set = element('button', { type: 'button', class: 'small', onclick: begin }, 'Set on the picture')
  const clear = element('button', { type: 'button', class: 'small', onclick: end }, 'None')
  const hint = element(
    'p',
    { class: 'quiet', id: 'focal-keys' },
    'Drag the point, or move it by arrow keys, with Shift ten times as far. Thumbnails are cut around it:',
  )

  /** @param {[number, number]} next */
  function move(next) {
    point = next
    looks.show(next)
  }
  /** @param {[number, number] | null} given */
  function show(given) {
    knob?.remove()
    knob = given ? handle(frame, given, move) : null
    point = given
    set.hidden = given !== null
    clear.hidden = hint.hidden = looks.host.hidden = given === null
    if (given) looks.show(given)
  }
  function begin() {
    show([0.5, 0.5])
    knob?.focus()
  }
  function end() {
    show(null)
    set.focus()
  }
  return {
    whole: element(
      'div',
      { class: 'field', role: 'group', 'aria-label': 'Focal point' },
      element('div', { class: 'row between' }, element('span', { class: 'label' }, 'Focal point'), set, clear),
      hint,
      looks.host,
    ),
    fill: show,
    wanted: () => point,
    leave: () => knob?.remove(),
  }
}
