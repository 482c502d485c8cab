/**
 * The picture, as large as there is room: or the page of a document, with marks over it and switches below it.
 */

import { hidePicture, showPicture } from './data.js'
import { element, shape } from './dom.js'
import { icon } from './icons.js'
import { read, seen } from './marks.js'
import { draw } from './overlay.js'
import { sheet } from './sheet.js'
import { altOf, isUpright, kindOf, pictureOf, reasonOf, sidesOf, spaceOf } from './shown.js'
import { swiped } from './swipe.js'
import { isOn, showPages, showSwitches } from './switches.js'

/** @typedef {import('./types.js').Shown} Shown */
/** @typedef {import('./types.js').Mark} Mark */

/**
 * @param {{onPage: (page: number) => void, onStep: (step: 1 | -1) => void}} listeners
 */
export function makeStage({ onPage, onStep }) {
  const picture = /** @type {HTMLImageElement} */ (element('img', { class: 'full', alt: '', draggable: 'false' }))
  const glow = shape('svg', { class: 'overlay glow', 'aria-hidden': 'true' })
  const overlay = shape('svg', { class: 'overlay', 'aria-hidden': 'true' })
  const frame = element('div', { class: 'shown' }, picture, glow, overlay)
  const instead = element('div', { class: 'instead', hidden: true })
  const room = element('div', { class: 'room' }, frame, instead)
  const switches = element('div', { class: 'switches', role: 'group', 'aria-label': 'Marks on the picture' })
  const pages = element('div', { class: 'pages', role: 'group', 'aria-label': 'Pages', hidden: true })
  const tools = element('div', { class: 'tools' }, switches, pages)
  const whole = element('section', { class: 'stage', 'aria-label': 'Picture' }, room, tools)
  /** @type {Shown | null} */
  let shown = null
  /** @type {Mark[]} */
  let marks = []
  let drawn = ''

  /** Make the frame as large as the room lets it be, and draw the marks anew. */
  function fit() {
    const screen = shown && measured(shown, picture, room)
    if (!screen) return
    frame.style.width = `${screen.width}px`
    frame.style.height = `${screen.height}px`
    const lit = shown && isUpright(shown, picture) ? marks.filter(isOn) : []
    draw({ overlay, glow }, lit, screen)
  }

  /**
   * Show the picture or the sheet, if it is not the one that is there.
   *
   * @param {Shown} now
   * @param {'picture' | 'sheet'} kind
   */
  function put(now, kind) {
    const next = kind === 'sheet' ? `${now.name} ${now.page?.page}` : pictureOf(now)
    if (next === drawn) return
    drawn = next
    frame.querySelector('.leaf')?.remove()
    picture.hidden = kind === 'sheet'
    if (kind === 'sheet' && now.page) frame.prepend(sheet(now.page))
    else {
      frame.classList.add('loading')
      showPicture(picture, next)
    }
  }

  /** @param {{message: string, action: string, bad: boolean}} reason */
  function tell({ message, action, bad }) {
    frame.hidden = true
    instead.hidden = false
    instead.className = bad ? 'instead bad' : 'instead'
    instead.replaceChildren(
      icon(bad ? 'wrong' : 'wait'),
      element('p', { class: 'reason' }, message),
      element('p', { class: 'what' }, action),
    )
  }

  picture.addEventListener('load', () => {
    frame.classList.remove('loading')
    fit()
  })
  picture.addEventListener('error', () => {
    if (!shown || !picture.hasAttribute('src')) return
    tell({ message: 'The picture does not come', action: 'Close this view, and open it again.', bad: true })
  })
  new ResizeObserver(fit).observe(room)
  swiped(room, onStep)

  return {
    whole,
    frame,
    tell,
    /** Show nothing, until the next image is known. */
    clear() {
      shown = null
      marks = []
      drawn = ''
      frame.querySelector('.leaf')?.remove()
      glow.replaceChildren()
      overlay.replaceChildren()
      hidePicture(picture)
      frame.hidden = instead.hidden = pages.hidden = true
      for (const button of switches.children) button.setAttribute('hidden', '')
    },
    /** @param {Shown} now */
    show(now) {
      shown = now
      const kind = kindOf(now)
      const sides = sidesOf(now, null)
      if (sides) room.style.setProperty('--shape', (sides.height / sides.width).toFixed(3))
      picture.alt = altOf(now)
      if (kind === 'nothing') tell(reasonOf(now))
      else if (kind !== 'later') {
        frame.hidden = false
        instead.hidden = true
        put(now, kind)
      }
      marks = [...seen(now.analysis), ...read(now)]
      showSwitches(switches, marks, fit)
      showPages(pages, now, onPage)
      fit()
    },
    /**
     * Let the words of a line stand out.
     *
     * @param {number | null} line its number on the page, from 0
     */
    light(line) {
      overlay.querySelector('.line')?.remove()
      const box = line === null ? undefined : shown?.page?.lines[line]?.boundingBox
      const screen = shown && measured(shown, picture, room)
      if (!box || !shown || !screen || !isUpright(shown, picture)) return
      const points = box.map((side) => (side * screen.scale).toFixed(1)).join(' ')
      overlay.append(shape('polygon', { class: 'line', points }))
    },
  }
}

/**
 * How large the picture is on the screen, and how many pixels of it one unit of the marks is.
 *
 * @param {Shown} shown
 * @param {HTMLImageElement} picture
 * @param {HTMLElement} room
 * @returns {{width: number, height: number, scale: number} | null} null before its sides are known
 */
function measured(shown, picture, room) {
  const sides = sidesOf(shown, picture)
  if (!sides) return null
  const scale = Math.min(room.clientWidth / sides.width, room.clientHeight / sides.height)
  const width = Math.max(1, Math.round(sides.width * scale))
  const height = Math.max(1, Math.round(sides.height * scale))
  return { width, height, scale: width / spaceOf(shown, sides) }
}
