/**
 * What of an image can be shown, and how large it is.
 */

import { addressOf } from './data.js'

/** @typedef {import('./types.js').Shown} Shown */

/**
 * What stands for the image: its picture, a sheet with its words, or nothing; `later` until that is known. A picture
 * that is not there is never asked for.
 *
 * @param {Shown} shown
 * @returns {'picture' | 'sheet' | 'nothing' | 'later'}
 */
export function kindOf({ state: { analysis, text }, page, found, looked }) {
  if (page?.unit === 'inch') return 'sheet'
  if (analysis.state === 'done' || page) return 'picture'
  if (!looked || (analysis.state === 'none' && text.state === 'done')) return 'later'
  return found?.picture ? 'picture' : 'nothing'
}

/**
 * Why there is nothing to see, in a few words: the reasons of steps stand beside it.
 *
 * @param {Shown} shown
 * @returns {{message: string, action: string, bad: boolean}}
 */
export function reasonOf({ state: { state, analysis } }) {
  if (state === 'failed') return { message: 'There is no picture of this file', action: '', bad: true }
  if (analysis.state === 'none') {
    return { message: 'A document', action: 'Its pages are drawn as soon as their words are read.', bad: false }
  }
  return { message: 'No picture yet', action: 'It is shown as soon as the app has looked at the file.', bad: false }
}

/**
 * The alternative text of a picture: a person's, else the sentence about it.
 *
 * @param {Shown} shown
 */
export function altOf({ state }) {
  return state.correction?.alt ?? state.analysis.caption ?? ''
}

/**
 * The address of the picture, as sharp as the screen is.
 *
 * @param {Shown} shown
 */
export function pictureOf({ state, name, page }) {
  const sharp = Math.min(innerWidth, 1600) * Math.min(devicePixelRatio, 2)
  const side = sharp > 800 ? 1600 : 800
  return addressOf('picture', { name, side, page: page && page.page > 1 ? page.page : null, v: state.source.etag })
}

/**
 * The sides of the picture in pixels of the original, or of the page in inches; before these are known, those of the
 * picture that has come.
 *
 * @param {Shown} shown
 * @param {HTMLImageElement | null} picture
 * @returns {{width: number, height: number} | null} null where they are not known yet
 */
export function sidesOf({ analysis, page, found, state }, picture) {
  if (page && state.analysis.state !== 'done') return page
  const { width, height } = analysis?.source ?? {}
  if (width && height) return { width, height }
  if (found?.width && found.height) return { width: found.width, height: found.height }
  return picture?.naturalWidth ? { width: picture.naturalWidth, height: picture.naturalHeight } : null
}

/**
 * How wide the picture is in the unit of its marks.
 *
 * @param {Shown} shown
 * @param {{width: number}} sides
 */
export function spaceOf({ analysis, page }, sides) {
  return analysis?.result.metadata.width ?? page?.width ?? sides.width
}

/**
 * Whether marks belong on this picture. Records of early versions tell places in pixels as they are stored, which may
 * lie on a side.
 *
 * @param {Shown} shown
 * @param {HTMLImageElement} picture
 */
export function isUpright(shown, picture) {
  if (kindOf(shown) === 'sheet') return true
  const space = shown.analysis?.result.metadata ?? shown.page
  if (!space || !picture.naturalWidth) return false
  const [one, other] = [space.width / space.height, picture.naturalWidth / picture.naturalHeight]
  return Math.abs(one / other - 1) < 0.03
}
