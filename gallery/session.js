/**
 * Who looks at the page: a person who is signed in, one with the key, or one in front of the local stack.
 */

import { get } from './data.js'

/**
 * Ask until somebody may see the data.
 *
 * @returns {Promise<import('./types.js').Session>} with a role
 */
export async function signedIn() {
  return get('session')
}
