/**
 * One image in front of the list: large, with boxes, text, thumbnails, records, receipt, corrections, deletion.
 */

import { show as showView } from './address.js'
import { correctionForm } from './correction.js'
import { change } from './data.js'
import { makeDialog } from './dialog.js'
import { say } from './dom.js'
import { STATES } from './format.js'
import { watch } from './live.js'
import { analysisOf, foundAs, pageOf } from './loading.js'
import { patch } from './panel.js'
import { sectionsOf } from './sections.js'

/** @typedef {import('./types.js').Shown} Shown */
/** @typedef {import('./types.js').Session} Session */
/** @typedef {import('./types.js').ImageState} ImageState */
/** @typedef {import('./data.js').Refusal} Refusal */
/**
 * @typedef {{
 *   onClose: () => void,
 *   onChanged: () => void,
 *   neighbour: (name: string, step: 1 | -1) => string | null,
 * }} List
 */
/**
 * The image that is open. `loaded` tells of what state `shown` has the records, `form` is there while it is corrected.
 *
 * @typedef {{name: string, query: string, session: Session, list: List, shown: Shown | null, loaded: string,
 *   form: ReturnType<typeof correctionForm> | null, live: ReturnType<typeof watch>}} Open
 */

/** @type {Open | null} */
let open = null
/** @type {ReturnType<typeof makeDialog> | null} */
let dialog = null
let titleBefore = ''

/**
 * Show an image; in place of the one that is shown, if there is one.
 *
 * @param {Session} session
 * @param {string} name
 * @param {string} query of the list, whose words are marked
 * @param {List} list
 */
export function openPicture(session, name, query, list) {
  dialog ??= begunDialog()
  if (open?.name === name && open.query === query) {
    open.list = list
    dialog.showSteps()
    return
  }
  if (open) stop(open)
  else titleBefore = document.title
  open = begun(session, name, query, list)
  document.title = `${name} – Blobsight`
  const isStep = dialog.whole.open
  dialog.begin(name)
  dialog.showSteps()
  if (isStep) say(name)
}

/** Close it, if it is open. */
export function closePicture() {
  if (!open || !dialog) return
  const { name } = open
  stop(open)
  open = null
  document.title = titleBefore
  dialog.whole.close()
  const card = document.querySelector(`#grid [data-name="${CSS.escape(name)}"]`)
  if (card instanceof HTMLElement) card.focus({ preventScroll: true })
}

function begunDialog() {
  const made = makeDialog({
    onStep: go,
    onLeave: leave,
    onClosed: () => open?.list.onClose(),
    onPage: (page) => {
      if (open) void turn(open, page)
    },
    neighbour: (step) => open?.list.neighbour(open.name, step) ?? null,
  })
  made.whole.addEventListener('keydown', byKey)
  return made
}

/**
 * @param {Session} session
 * @param {string} name
 * @param {string} query
 * @param {List} list
 * @returns {Open}
 */
function begun(session, name, query, list) {
  const live = watch(name, {
    onState: (state) => void follow(mine, state),
    onRefusal: (refusal) => refused(mine, refusal),
  })
  /** @type {Open} */
  const mine = { name, query, session, list, shown: null, loaded: '', form: null, live }
  return mine
}

/** @param {Open} mine */
function stop(mine) {
  mine.form?.leave()
  mine.live.stop()
}

/**
 * @param {Open} mine
 * @param {ImageState} state
 */
async function follow(mine, state) {
  if (open !== mine || !dialog) return
  const was = mine.shown
  if (was && was.state.state !== state.state) {
    say(STATES[state.state])
    mine.list.onChanged()
  }
  mine.shown = was ? { ...was, state } : unknown(mine, state)
  if (was) render(mine)
  else {
    dialog.showState(state.state)
    dialog.stage.show(mine.shown)
  }
  await load(mine, state)
}

/**
 * @param {Open} mine
 * @param {ImageState} state
 * @returns {Shown}
 */
function unknown({ session, name }, state) {
  return { session, name, state, analysis: null, page: null, pages: 0, why: [], found: null, looked: false }
}

/**
 * The records of a state, where they are not those that are shown already. All come into the view together, so that
 * nothing in it moves.
 *
 * @param {Open} mine
 * @param {ImageState} state
 */
async function load(mine, state) {
  const { name, query } = mine
  const version = [state.source.etag, state.state, state.analysis.state, state.text.state].join(' ')
  if (version === mine.loaded) return
  mine.loaded = version
  const [found, analysis] = await Promise.all([foundAs(name, query), analysisOf(name, state.analysis.record)])
  const why = found?.why ?? []
  const number = mine.shown?.page?.page ?? why.flatMap(({ places }) => places)[0]?.page ?? 1
  const read = await pageOf(name, state.text.record, number)
  if (open !== mine || !mine.shown || mine.loaded !== version) return
  const text = { page: read?.page ?? null, pages: read?.pages ?? 0 }
  mine.shown = { ...mine.shown, ...text, found, why, analysis, looked: true }
  render(mine)
}

/**
 * Show another page of the text.
 *
 * @param {Open} mine
 * @param {number} number
 */
async function turn(mine, number) {
  const read = await pageOf(mine.name, mine.shown?.state.text.record, number)
  if (open !== mine || !mine.shown) return
  if (read) mine.shown = { ...mine.shown, ...read }
  render(mine)
  say(read ? `Page ${number} of ${read.pages}` : `Page ${number} does not come.`)
}

/**
 * @param {Open} mine
 * @param {Refusal} refusal
 */
function refused(mine, { status, code, message, action }) {
  if (open !== mine || !dialog || (mine.shown && status !== 404)) return
  mine.form?.leave()
  mine.form = null
  const gone = code === 'image_not_found'
  dialog.fail({ message, action: gone ? 'It was deleted or renamed, or its address has a slip.' : action })
  if (gone && mine.shown) mine.list.onChanged()
}

/** @param {Open} mine */
function render(mine) {
  if (!dialog || !mine.shown) return
  dialog.showState(mine.shown.state.state)
  dialog.stage.show(mine.shown)
  const sections = sectionsOf(mine.shown, {
    form: mine.form?.whole ?? null,
    onRetry: (step) => retry(mine, step),
    onCorrect: () => correct(mine),
    onRemoved: () => removed(mine),
    onLine: (line) => dialog?.stage.light(line),
  })
  patch(dialog.panel, sections)
  dialog.showSteps()
}

/**
 * @param {Open} mine
 * @param {string | null} step
 */
async function retry(mine, step) {
  await change('POST', 'retry', {}, step ? { name: mine.name, step } : { name: mine.name })
  void mine.live.again()
  mine.list.onChanged()
}

/** @param {Open} mine */
function correct(mine) {
  if (!mine.shown || !dialog) return
  mine.form = correctionForm(mine.shown, dialog.stage.frame, {
    onSaved() {
      left(mine)
      void mine.live.again()
      mine.list.onChanged()
    },
    onLeft: () => left(mine),
  })
  render(mine)
  mine.form.whole.querySelector('textarea')?.focus()
}

/** @param {Open} mine */
function left(mine) {
  mine.form?.leave()
  mine.form = null
  if (open !== mine) return
  render(mine)
  const button = dialog?.panel.querySelector('[data-focus="correct"]')
  if (button instanceof HTMLElement) button.focus({ preventScroll: true })
}

/** @param {Open} mine */
function removed(mine) {
  mine.list.onChanged()
  if (open === mine) mine.list.onClose()
  say('Deleted.')
}

/**
 * Whether something is being corrected; if nothing of it has changed, the form goes.
 *
 * @param {Open} mine
 */
function isHeld(mine) {
  if (!mine.form) return false
  if (mine.form.isChanged()) mine.form.warn()
  else left(mine)
  return true
}

function leave() {
  if (open && !isHeld(open)) open.list.onClose()
}

/**
 * Show the image beside this one.
 *
 * @param {1 | -1} step
 */
function go(step) {
  if (!open || isHeld(open)) return
  const next = open.list.neighbour(open.name, step)
  if (next !== null) showView({ image: next }, { replace: true })
}

/** @param {KeyboardEvent} event */
function byKey(event) {
  const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : null
  if (!step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || open?.form) return
  if (event.target instanceof Element && event.target.closest('input, textarea, pre, .question')) return
  event.preventDefault()
  go(step)
}
