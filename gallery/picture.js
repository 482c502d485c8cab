/**
 * One image in front of the list: large, with boxes, text, thumbnails, records, receipt, corrections, deletion.
 */

/**
 * Show an image; in place of the one that is shown, if there is one.
 *
 * @param {import('./types.js').Session} session
 * @param {string} name
 * @param {string} query of the list, whose words are marked
 * @param {{
 *   onClose: () => void,
 *   onChanged: () => void,
 *   neighbour: (name: string, step: 1 | -1) => string | null,
 * }} list
 */
export function openPicture(session, name, query, list) {
  void [session, name, query, list]
}

/** Close it, if it is open. */
export function closePicture() {}
