/**
 * The focal point: a handle on the picture that moves by mouse, touch and arrow keys, and previews of the crops.
 */

import { addressOf, showPicture } from './data.js'
import { element } from './dom.js'

/** @typedef {import('./types.js').Shown} Shown */
/** @typedef {[number, number]} Point fractions of the width and the height, from the upper left */

/** How far an arrow key moves the point, and with Shift. */
const STEP = 0.01
const LEAP = 0.1
/** The longer side of a preview, in pixels of the screen. */
const PREVIEW = 116

/**
 * A handle in a frame, as long as `remove` is not called.
 *
 * @param {HTMLElement} frame as large as the picture
 * @param {Point} point
 * @param {(point: Point) => void} onMove
 */
export function handle(frame, point, onMove) {
  let at = point
  const knob = element('button', {
    type: 'button',
    class: 'focal',
    'aria-describedby': 'focal-keys',
    onkeydown: byKey,
    onpointerdown: grab,
  })
  const taking = element('div', { class: 'focal-ground', onpointerdown: grab }, knob)

  /** @param {Point} next */
  function move(next) {
    at = /** @type {Point} */ (next.map((part) => Math.round(Math.min(1, Math.max(0, part)) * 1000) / 1000))
    put()
    onMove(at)
  }

  function put() {
    knob.style.left = `${at[0] * 100}%`
    knob.style.top = `${at[1] * 100}%`
    knob.setAttribute(
      'aria-label',
      `Focal point: ${Math.round(at[0] * 100)} % from the left, ${Math.round(at[1] * 100)} % from the top`,
    )
  }

  /** @param {PointerEvent} event */
  function grab(event) {
    if (event.button !== 0) return
    event.preventDefault()
    event.stopPropagation()
    knob.focus({ preventScroll: true })
    const area = frame.getBoundingClientRect()
    /** @param {PointerEvent} moved */
    const follow = (moved) => move([(moved.clientX - area.left) / area.width, (moved.clientY - area.top) / area.height])
    follow(event)
    taking.setPointerCapture(event.pointerId)
    taking.onpointermove = follow
    taking.onpointerup = taking.onpointercancel = () => {
      taking.onpointermove = null
    }
  }

  /** @param {KeyboardEvent} event */
  function byKey(event) {
    const far = event.shiftKey ? LEAP : STEP
    /** @type {Record<string, Point>} */
    const ways = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }
    const way = ways[event.key]
    if (!way) return
    event.preventDefault()
    event.stopPropagation()
    move([at[0] + way[0], at[1] + way[1]])
  }

  put()
  frame.append(taking)
  return {
    focus: () => knob.focus(),
    remove: () => taking.remove(),
  }
}

/**
 * How the thumbnails are cut around a point, one preview for each shape.
 *
 * @param {Shown} shown
 */
export function previews({ name, state, analysis }) {
  const shapes = [
    ...new Map(
      state.thumbnails.map(({ size }) => {
        const [width, height] = size.split('x').map(Number)
        return [(width / height).toFixed(2), { size, shape: width / height }]
      }),
    ).values(),
  ]
  const sides = { width: analysis?.source.width ?? 1, height: analysis?.source.height ?? 1 }
  const images = shapes.map(({ shape }) => {
    const image = /** @type {HTMLImageElement} */ (element('img', { alt: '', draggable: 'false' }))
    image.style.width = `${Math.round(PREVIEW * Math.min(1, shape))}px`
    image.style.height = `${Math.round(PREVIEW / Math.max(1, shape))}px`
    showPicture(image, addressOf('picture', { name, side: 400, v: state.source.etag }))
    return { image, shape }
  })
  return {
    host: element('div', { class: 'previews', 'aria-hidden': 'true' }, ...images.map(({ image }) => image)),
    /** @param {Point} point */
    show(point) {
      for (const { image, shape } of images) image.style.objectPosition = positionOf(sides, shape, point)
    },
  }
}

/**
 * Where CSS puts a picture that covers a box, so that a point is in the middle of the box or as near as it can be.
 *
 * @param {{width: number, height: number}} sides of the picture
 * @param {number} shape width of the box by its height
 * @param {Point} point
 * @returns {string} for `object-position`
 */
function positionOf({ width, height }, shape, point) {
  const across = Math.min(1, (height * shape) / width)
  const down = Math.min(1, width / shape / height)
  return `${percent(point[0], across)} ${percent(point[1], down)}`
}

/**
 * @param {number} at the point, as a fraction of the side
 * @param {number} kept how much of the side the box shows
 */
function percent(at, kept) {
  if (kept >= 1) return '50%'
  return `${(Math.min(1, Math.max(0, (at - kept / 2) / (1 - kept))) * 100).toFixed(2)}%`
}
