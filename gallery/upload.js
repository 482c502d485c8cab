/**
 * Files that are dropped on the page or chosen: sent one after the other, and watched until they are complete.
 */

/**
 * @param {import('./types.js').Session} session
 * @param {{onChanged: () => void}} list told when an image has come or has become complete
 */
export function openUploads(session, { onChanged }) {
  void [session, onChanged]
}
