// What `bench.gallery` puts into the page before it begins: it notes when keys are pressed and when results show.
'use strict'
;(() => {
  const noted = { keys: [], answers: {}, shown: {}, same: {}, frames: [], shift: 0 }
  window.noted = noted

  addEventListener('keydown', (event) => noted.keys.push(event.timeStamp), true)

  // An answer counts from the moment at which the page has it as data.
  const json = Response.prototype.json
  Response.prototype.json = async function () {
    const told = await json.call(this)
    const address = new URL(this.url)
    if (address.pathname.endsWith('/data/search')) {
      const q = address.searchParams.get('q')
      noted.answers[q] = performance.now()
      // An answer that is the one before changes nothing on the screen.
      setTimeout(() => {
        noted.same[q] = !(q in noted.shown)
      }, 1000)
    }
    return told
  }

  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) noted.shift += entry.value
  }).observe({ type: 'layout-shift', buffered: true })

  // Results are shown at the end of the first frame after the list has changed for them.
  addEventListener('DOMContentLoaded', () => {
    const changed = new MutationObserver(() => {
      const asked = Object.keys(noted.answers).filter((q) => !(q in noted.shown))
      if (!asked.length) return
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => {
          for (const q of asked) noted.shown[q] ??= performance.now()
        }
        port2.postMessage(null)
      })
    })
    for (const id of ['grid', 'heading']) {
      const options = { attributes: true, characterData: true, childList: true, subtree: true }
      changed.observe(document.getElementById(id), options)
    }
  })

  noted.watchFrames = () => {
    noted.frames = []
    let last = 0
    let on = true
    const note = (now) => {
      if (last) noted.frames.push(now - last)
      last = now
      if (on) requestAnimationFrame(note)
    }
    requestAnimationFrame(note)
    return () => {
      on = false
    }
  }
})()
