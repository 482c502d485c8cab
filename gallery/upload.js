/**
 * Uploads: files are dropped anywhere, chosen or pasted, sent, and watched until they are complete.
 */

import { at, element } from './dom.js'
import { chosen, dropped, pasted } from './upload-files.js'
import { openQueue } from './upload-queue.js'
import { openTray } from './upload-tray.js'

/** @typedef {import('./types.js').Session} Session */

/**
 * Take files from now on.
 *
 * @param {Session} session of an editor, where images can be uploaded
 * @param {{onChanged: () => void}} list called when an image has come or has changed its state
 */
export function openUploads(session, { onChanged }) {
  const files = chooser({ multiple: true, accept: 'image/*,application/pdf,.heic,.heif,.avif,.jp2,.tif,.tiff' })
  const folder = chooser({ multiple: true, webkitdirectory: true })
  const queue = openQueue({ most: session.most, onChanged: seldom(onChanged) })
  openTray(queue, { chooseFiles: () => files.click(), chooseFolder: () => folder.click() })
  for (const input of [files, folder]) {
    input.addEventListener('change', () => {
      queue.add(chosen(input.files ?? []))
      // The same file can be chosen once more.
      input.value = ''
    })
  }
  const add = element(
    'button',
    { type: 'button', id: 'add', title: 'Add images', 'aria-label': 'Add images', onclick: () => files.click() },
    element('span', { class: 'short', 'aria-hidden': 'true' }, '+'),
    element('span', { class: 'long', 'aria-hidden': 'true' }, 'Add images'),
  )
  at('account').prepend(add)
  document.addEventListener('choose-files', () => files.click())
  takeDrops(queue.add)
  takePastes(queue.add)
  addEventListener('beforeunload', (event) => {
    if (queue.isSending()) event.preventDefault()
  })
}

/**
 * An input that is never shown: a button opens it.
 *
 * @param {Record<string, unknown>} properties
 * @returns {HTMLInputElement}
 */
function chooser(properties) {
  const input = element('input', { type: 'file', hidden: true, tabindex: '-1', 'aria-hidden': 'true', ...properties })
  document.body.append(input)
  return /** @type {HTMLInputElement} */ (input)
}

/** @param {(files: import('./upload-files.js').Wanted[]) => void} add */
function takeDrops(add) {
  const sign = element('div', { id: 'drop', popover: 'manual' }, element('p', {}, 'Drop images or folders to add them'))
  document.body.append(sign)
  let inside = 0
  const show = (/** @type {boolean} */ shown) => {
    if (!shown) inside = 0
    if (sign.matches(':popover-open') !== shown) sign.togglePopover(shown)
  }
  addEventListener('dragenter', (event) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    inside += 1
    show(true)
  })
  addEventListener('dragleave', (event) => {
    if (!hasFiles(event)) return
    inside -= 1
    if (inside <= 0) show(false)
  })
  addEventListener('dragover', (event) => {
    if (!hasFiles(event) || !event.dataTransfer) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'copy'
  })
  addEventListener('drop', (event) => {
    show(false)
    if (!hasFiles(event) || !event.dataTransfer) return
    event.preventDefault()
    void dropped(event.dataTransfer).then(add)
  })
}

/** @param {DragEvent} event */
function hasFiles(event) {
  return event.dataTransfer?.types.includes('Files') ?? false
}

/** @param {(files: import('./upload-files.js').Wanted[]) => void} add */
function takePastes(add) {
  addEventListener('paste', (event) => {
    const files = event.clipboardData?.files
    if (!files?.length) return
    event.preventDefault()
    add(pasted(files, new Date()))
  })
}

/**
 * The same call at most once a second, and once more after the last.
 *
 * @param {() => void} call
 * @returns {() => void}
 */
function seldom(call) {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    setTimeout(() => {
      isDue = false
      call()
    }, 1000)
  }
}
