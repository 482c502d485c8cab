/**
 * A finger that moves sideways.
 */

/** How far it moves at least, in pixels of the screen. */
const SWIPE = 60

/**
 * A finger that moves sideways asks for the image beside this one.
 *
 * @param {HTMLElement} room
 * @param {(step: 1 | -1) => void} onStep
 */
export function swiped(room, onStep) {
  /** @type {{x: number, y: number, id: number} | null} */
  let from = null
  room.addEventListener('pointerdown', (event) => {
    const isDrag = event.target instanceof Element && event.target.closest('.focal')
    from =
      event.pointerType === 'touch' && event.isPrimary && !isDrag && (visualViewport?.scale ?? 1) < 1.05
        ? { x: event.clientX, y: event.clientY, id: event.pointerId }
        : null
  })
  room.addEventListener('pointerup', (event) => {
    if (!from || from.id !== event.pointerId) return
    const [x, y] = [event.clientX - from.x, event.clientY - from.y]
    from = null
    if (Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y)) onStep(x < 0 ? 1 : -1)
  })
  room.addEventListener('pointercancel', () => {
    from = null
  })
}
