/**
 * A page of which there is no picture, drawn from its words where they stand: a PDF's.
 */

import { shape } from './dom.js'

/** @typedef {import('./types.js').ReadPage} ReadPage */
/** @typedef {import('./types.js').ReadLine} ReadLine */

/** Units of the drawing in an inch, so that sizes of type are no fractions. */
const PER_INCH = 96
/** How far above the lower side of a line its letters stand, as a part of its height: descenders reach below. */
const BELOW = 0.22

/**
 * @param {ReadPage} page
 * @returns {SVGElement}
 */
export function sheet(page) {
  const unit = page.unit === 'inch' ? PER_INCH : 1
  return shape(
    'svg',
    {
      class: 'leaf',
      viewBox: `0 0 ${page.width * unit} ${page.height * unit}`,
      role: 'img',
      'aria-label': `Page ${page.page}, drawn from its words`,
    },
    ...page.lines.map((line) => drawn(line, unit)),
  )
}

/**
 * The words of a line on its one base, in type of its height.
 *
 * @param {ReadLine} line
 * @param {number} unit
 */
function drawn({ boundingBox, words }, unit) {
  const [left, top, right, level, , , low, bottom] = boundingBox.map((side) => side * unit)
  const height = Math.hypot(low - left, bottom - top)
  const angle = Math.atan2(level - top, right - left)
  const turned = ((angle * 180) / Math.PI).toFixed(1)
  /** @type {(x: number, y: number) => number} how far along the line a point is */
  const along = (x, y) => (x - left) * Math.cos(angle) + (y - top) * Math.sin(angle)
  return shape(
    'g',
    {
      transform: `translate(${left.toFixed(1)} ${top.toFixed(1)}) rotate(${turned})`,
      'font-size': (height * 0.82).toFixed(1),
    },
    ...words.map(({ boundingBox: box, text }) => {
      const [x, y, endX, endY] = box.map((side) => side * unit)
      return shape(
        'text',
        {
          x: along(x, y).toFixed(1),
          y: (height * (1 - BELOW)).toFixed(1),
          textLength: Math.max(1, Math.hypot(endX - x, endY - y)).toFixed(1),
          lengthAdjust: 'spacingAndGlyphs',
        },
        text,
      )
    }),
  )
}
