/**
 * Marks over a picture: boxes in the pixels of the screen, so that lines and labels are as thin and as large on a
 * phone as on a wall.
 */

import { shape } from './dom.js'

/** @typedef {import('./types.js').Mark} Mark */

const LABEL_HEIGHT = 22
const LABEL_SIDE = 7
const LABELLED = ['objects', 'faces']

/**
 * Draw marks in place of those that are there.
 *
 * @param {{overlay: SVGElement, glow: SVGElement}} layers `glow` colours the picture below as a marker pen does
 * @param {Mark[]} marks the layers that are switched on
 * @param {{width: number, height: number, scale: number}} screen sides in pixels of the screen, and how many of them
 *   one unit of the marks is
 */
export function draw({ overlay, glow }, marks, { width, height, scale }) {
  for (const svg of [overlay, glow]) svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
  const boxes = marks.map((mark) => outline(mark, scale))
  const labels = placed(
    marks.filter(({ layer }) => LABELLED.includes(layer)),
    { width, height, scale },
  )
  overlay.replaceChildren(...boxes, ...labels)
  glow.replaceChildren(...marks.filter(({ layer }) => layer === 'found').map((mark) => outline(mark, scale)))
}

/**
 * @param {Mark} mark
 * @param {number} scale
 */
function outline(mark, scale) {
  const points = mark.box.map((side) => (side * scale).toFixed(1)).join(' ')
  return shape(
    'g',
    { class: `mark layer-${mark.layer}`, 'data-line': mark.line },
    mark.layer === 'found' ? null : shape('polygon', { class: 'halo', points }),
    shape('polygon', { class: 'box', points }, shape('title', {}, mark.label)),
  )
}

/**
 * Labels at the upper left of their boxes; one that would cover another moves down.
 *
 * @param {Mark[]} marks
 * @param {{width: number, height: number, scale: number}} screen
 */
function placed(marks, { width, height, scale }) {
  /** @type {{left: number, top: number, right: number}[]} */
  const taken = []
  return marks.map((mark) => {
    const wide = Math.min(width, textWidth(mark.label) + 2 * LABEL_SIDE)
    const left = Math.max(0, Math.min(mark.box[0] * scale, width - wide))
    let top = Math.max(0, Math.min(mark.box[1] * scale, height - LABEL_HEIGHT))
    while (taken.some((one) => Math.abs(one.top - top) < LABEL_HEIGHT && left < one.right && one.left < left + wide)) {
      top += LABEL_HEIGHT + 1
    }
    taken.push({ left, top, right: left + wide })
    return label(mark, left, top, wide)
  })
}

/**
 * @param {Mark} mark
 * @param {number} left
 * @param {number} top
 * @param {number} wide
 */
function label(mark, left, top, wide) {
  return shape(
    'g',
    { class: `label layer-${mark.layer}` },
    shape('rect', { x: left, y: top, width: wide, height: LABEL_HEIGHT, rx: 4 }),
    shape('text', { x: left + wide / 2, y: top + 15.5 }, mark.label),
  )
}

/** @type {CanvasRenderingContext2D | null} */
let ruler = null

/** @param {string} text */
function textWidth(text) {
  ruler ??= document.createElement('canvas').getContext('2d')
  if (!ruler) return text.length * 8
  ruler.font = `600 13px ${getComputedStyle(document.body).fontFamily}`
  return ruler.measureText(text).width
}
