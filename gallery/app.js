/**
 * The page: who looks at it, then the list, and one image in front of it.
 */

import { onView, show, view } from './address.js'
import { openList } from './list.js'
import { closePicture, openPicture } from './picture.js'
import { signedIn } from './session.js'
import { openUploads } from './upload.js'

const session = await signedIn()
const list = openList(session)
if (session.writable && session.role === 'editor') openUploads(session, { onChanged: list.refresh })

/** @type {string | null} the image that is open */
let open = null

/** @param {import('./types.js').View} now */
function follow(now) {
  // The list comes last: it gives the focus back to the image that was open.
  if (now.image !== open) picture(now)
  list.show(now)
}

/** @param {import('./types.js').View} now */
function picture({ image, q }) {
  open = image
  if (image === null) closePicture()
  else {
    openPicture(session, image, q, {
      onClose: () => show({ image: null }),
      onChanged: list.refresh,
      neighbour: list.neighbour,
    })
  }
}

onView(follow)
follow(view())
