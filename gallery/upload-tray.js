/**
 * The tray of uploads: how far each is, and what the person can do about it.
 */

import { show } from './address.js'
import { at, element, say } from './dom.js'
import { megabytes } from './upload-files.js'

/** @typedef {import('./upload-queue.js').Queue} Queue */
/** @typedef {import('./upload-queue.js').Upload} Upload */

/** People read no more rows than that; the others show up as these are cleared. */
const MOST_ROWS = 300

/**
 * Show the queue from now on.
 *
 * @param {Queue} queue
 * @param {{chooseFiles: () => void, chooseFolder: () => void}} actions
 */
export function openTray(queue, { chooseFiles, chooseFolder }) {
  const tray = at('uploads')
  /** @type {Map<number, {upload: Upload, row: HTMLElement, fill: () => void}>} */
  const rows = new Map()
  const list = element('ul', { class: 'rows' })
  const more = element('p', { class: 'more', hidden: true })
  const heading = element('h2', {})
  const bar = /** @type {HTMLProgressElement} */ (element('progress', { max: '1', 'aria-label': 'All uploads' }))
  const fold = element('button', { type: 'button', class: 'fold', 'aria-expanded': 'true' }, 'Hide')
  const stop = element('button', { type: 'button', onclick: () => queue.cancelAll() }, 'Cancel all')
  const clear = element('button', { type: 'button', onclick: () => queue.clear() }, 'Clear')
  const body = element(
    'div',
    { class: 'inside', tabindex: '0', role: 'group', 'aria-label': 'Each upload' },
    list,
    more,
  )
  const foot = element(
    'div',
    { class: 'foot' },
    element('button', { type: 'button', onclick: chooseFiles }, 'Add files'),
    element('button', { type: 'button', onclick: chooseFolder }, 'Add a folder'),
    stop,
    clear,
  )
  fold.addEventListener('click', () => {
    body.hidden = foot.hidden = !body.hidden
    fold.textContent = body.hidden ? 'Show' : 'Hide'
    fold.setAttribute('aria-expanded', String(!body.hidden))
  })
  tray.append(element('div', { class: 'head' }, heading, fold), bar, body, foot)

  function arrange() {
    const shown = queue.all().slice(0, MOST_ROWS)
    const wanted = new Set(shown.map((each) => each.id))
    for (const [id, { row }] of rows) {
      if (wanted.has(id)) continue
      row.remove()
      rows.delete(id)
    }
    for (const each of shown) {
      if (rows.has(each.id)) continue
      const made = rowOf(each, queue)
      rows.set(each.id, { upload: each, ...made })
      list.append(made.row)
    }
    const left = queue.all().length - shown.length
    more.hidden = left <= 0
    more.textContent = `And ${left} more.`
  }

  let told = ''
  function sum() {
    const all = queue.all()
    tray.hidden = all.length === 0
    const count = counted(all)
    heading.textContent = count.text
    bar.value = count.share
    bar.hidden = count.share === 1
    stop.hidden = !all.some((each) => each.phase === 'waiting' || each.phase === 'sending' || each.phase === 'clash')
    clear.hidden = !all.some((each) => each.phase === 'complete' || each.phase === 'over' || each.isFinal)
    if (count.said !== told) say((told = count.said))
  }

  queue.onChange((changed) => {
    if (changed === null) arrange()
    else rows.get(changed.id)?.fill()
    sum()
  })
}

/**
 * What the head of the tray says of all.
 *
 * @param {readonly Upload[]} all
 * @returns {{text: string, said: string, share: number}} `said` is for readers of screens, and changes seldom
 */
function counted(all) {
  const counts = { waiting: 0, sending: 0, clash: 0, working: 0, complete: 0, failed: 0, refused: 0, over: 0 }
  for (const each of all) counts[each.phase] += 1
  const due = all.length - counts.over
  const wrong = counts.failed + counts.refused
  const parts = [`${counts.complete} of ${due} complete`]
  if (wrong) parts.push(`${wrong} failed`)
  if (counts.clash) parts.push(counts.clash === 1 ? '1 has a question' : `${counts.clash} have questions`)
  const isOver = counts.waiting + counts.sending + counts.working === 0
  // The work after the sending counts as much as the sending.
  const half = { waiting: 0, sending: 0, clash: 0, working: 0.5, complete: 1, failed: 1, refused: 1, over: 0 }
  const reached = all.reduce((sum, each) => sum + half[each.phase] + (each.phase === 'sending' ? each.share / 2 : 0), 0)
  const text = due ? parts.join(', ') : 'Cancelled'
  const said = counts.clash || isOver ? text : `Adding ${due} ${due === 1 ? 'image' : 'images'}`
  return { text, said, share: due ? reached / due : 1 }
}

/**
 * The row of an upload.
 *
 * @param {Upload} upload
 * @param {Queue} queue
 * @returns {{row: HTMLElement, fill: () => void}} `fill` brings it up to date
 */
function rowOf(upload, queue) {
  const bar = /** @type {HTMLProgressElement} */ (element('progress', { max: '1' }))
  const name = element('bdi', { class: 'name' })
  const state = element('span', { class: 'state' })
  const problem = element('p', { class: 'problem', hidden: true })
  const buttons = element('div', { class: 'buttons' })
  const row = element('li', {}, element('div', { class: 'line' }, name, state), bar, problem, buttons)
  let shownFor = ''

  function fill() {
    name.textContent = name.title = upload.name
    state.textContent = stateOf(upload)
    row.dataset.phase = upload.phase
    bar.hidden = upload.phase !== 'sending'
    bar.value = upload.share
    bar.setAttribute('aria-label', `Sent of ${upload.name}`)
    const told =
      upload.phase === 'clash' ? CLASH : upload.problem && `${upload.problem.message} ${upload.problem.action}`
    problem.hidden = !told
    problem.textContent = told || ''
    // Buttons stay as they are while nothing else is possible, so that the focus stays too.
    const now = `${upload.phase} ${upload.isFinal}`
    if (now !== shownFor) refill()
    shownFor = now
  }

  function refill() {
    const had = buttons.contains(document.activeElement)
    buttons.replaceChildren(...buttonsOf(upload, queue))
    if (!had) return
    const next = buttons.querySelector('button') ?? document.querySelector('#uploads .fold')
    if (next instanceof HTMLElement) next.focus()
  }

  fill()
  return { row, fill }
}

const STATES = {
  waiting: 'waits',
  sending: 'is sent',
  clash: 'asks',
  working: 'is looked at',
  complete: 'complete',
  failed: 'failed',
  refused: 'failed',
  over: 'cancelled',
}
const CLASH = 'There is an image of this name.'

/**
 * @param {Upload} upload
 * @returns {string}
 */
function stateOf(upload) {
  if (upload.phase === 'sending') return `${Math.floor(upload.share * 100)} % of ${megabytes(upload.file.size)}`
  if (upload.phase === 'working' && upload.problem) return 'waits for another try'
  return STATES[upload.phase]
}

/**
 * What a person can do about an upload.
 *
 * @param {Upload} upload
 * @param {Queue} queue
 * @returns {HTMLElement[]}
 */
function buttonsOf(upload, queue) {
  switch (upload.phase) {
    case 'waiting':
    case 'sending':
      return [button('Cancel', upload, () => queue.cancel(upload))]
    case 'clash':
      return clashButtons(upload, queue)
    case 'complete':
      return [button('Show', upload, () => show({ image: upload.name }))]
    case 'failed':
      return [
        button('Try again', upload, () => queue.retry(upload)),
        button('Show', upload, () => show({ image: upload.name })),
      ]
    case 'refused':
      return upload.isFinal ? [] : [button('Try again', upload, () => queue.retry(upload))]
    default:
      return []
  }
}

/**
 * @param {Upload} upload
 * @param {Queue} queue
 */
function clashButtons(upload, queue) {
  const all = /** @type {HTMLInputElement} */ (element('input', { type: 'checkbox' }))
  return [
    button('Replace it', upload, () => queue.settle(upload, 'overwrite', all.checked)),
    button('Keep both', upload, () => queue.settle(upload, 'rename', all.checked)),
    button('Skip', upload, () => queue.settle(upload, 'skip', all.checked)),
    element('label', {}, all, ' the same for all'),
  ]
}

/**
 * @param {string} text
 * @param {Upload} upload
 * @param {() => void} onclick
 */
function button(text, upload, onclick) {
  return element('button', { type: 'button', onclick, 'aria-label': `${text}: ${upload.name}` }, text)
}
