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

/** @param {import('./types.js').View} now */
function follow(now) {
  list.show(now)
  if (now.image === null) closePicture()
  else {
    openPicture(session, now.image, now.q, {
      onClose: () => show({ image: null }),
      onChanged: list.refresh,
      neighbour: list.neighbour,
    })
  }
}

onView(follow)
follow(view())
