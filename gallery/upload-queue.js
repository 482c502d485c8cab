/**
 * The uploads of this page from first to last: they wait for their turn, are sent, and are watched.
 */

import { change, Refusal } from './data.js'
import { fault, numbered } from './upload-files.js'
import { exists, send } from './upload-send.js'
import { openWatch } from './upload-watch.js'

/** @typedef {import('./upload-files.js').Wanted} Wanted */
/** @typedef {import('./types.js').ImageState} ImageState */

/**
 * - `waiting` for its turn, `sending`, `clash`: there is an image of that name, and the person is asked;
 * - `working`: it is there and is worked on, `complete`; `failed` at the work, which can be tried again;
 * - `refused`: it was not stored; `isFinal` says that trying again is of no use;
 * - `over`: cancelled or skipped.
 *
 * @typedef {'waiting' | 'sending' | 'clash' | 'working' | 'complete' | 'failed' | 'refused' | 'over'} Phase
 */

/**
 * @typedef {object} Upload
 * @property {number} id
 * @property {File} file
 * @property {string} name
 * @property {Phase} phase
 * @property {number} share that was sent, 0 to 1
 * @property {{message: string, action: string} | null} problem
 * @property {boolean} isFinal
 * @property {boolean} overwrite
 * @property {AbortController} over
 */

/** @typedef {'overwrite' | 'rename' | 'skip'} Choice */

/**
 * @typedef {object} Queue
 * @property {(files: Wanted[]) => void} add
 * @property {(upload: Upload) => void} cancel
 * @property {(upload: Upload) => void} retry
 * @property {(upload: Upload, choice: Choice, forAll: boolean) => void} settle what to do with a clash, or with all
 * @property {() => void} clear forgets all that are over, complete or cannot be sent
 * @property {() => void} cancelAll
 * @property {() => boolean} isSending whether the app does not have every file yet
 * @property {(listener: (changed: Upload | null) => void) => void} onChange called with an upload that has changed, or
 *   null where uploads have come or gone
 * @property {() => readonly Upload[]} all
 */

/** How many are sent at a time, and how often one that the app has no time for is sent again by itself. */
const AT_A_TIME = 3
const TIMES = 4
const MOST_SECONDS = 30
const MOST_NUMBERS = 99
/** @type {readonly Phase[]} */
const PAST = ['complete', 'over']

/**
 * @param {object} options
 * @param {number} options.most bytes of one image
 * @param {() => void} options.onChanged called when an image has come or has changed its state
 * @returns {Queue}
 */
export function openQueue({ most, onChanged }) {
  /** @type {Upload[]} */
  let uploads = []
  /** @type {((changed: Upload | null) => void)[]} */
  const listeners = []
  const watch = openWatch()
  let lastId = 0
  let underWay = 0
  /** What the person has chosen for all further clashes. */
  /** @type {Choice | null} */
  let always = null

  /**
   * @param {Upload} upload
   * @param {Partial<Upload>} changes
   */
  function set(upload, changes) {
    const isNew = changes.phase !== undefined && changes.phase !== upload.phase
    Object.assign(upload, changes)
    for (const listener of listeners) listener(upload)
    if (isNew && (upload.phase === 'working' || upload.phase === 'complete' || upload.phase === 'failed')) onChanged()
  }

  function begin() {
    while (underWay < AT_A_TIME) {
      const next = uploads.find((each) => each.phase === 'waiting')
      if (!next) break
      underWay += 1
      set(next, { phase: 'sending', share: 0, problem: null })
      void transfer(next).finally(() => {
        underWay -= 1
        begin()
      })
    }
    // The next files may meet other images.
    if (!uploads.some((each) => each.phase === 'sending' || each.phase === 'clash')) always = null
  }

  /** @param {Upload} upload */
  async function transfer(upload) {
    try {
      if (!upload.overwrite && (await exists(upload.name, upload.over.signal))) {
        await clash(upload)
        return
      }
      await sent(upload)
      set(upload, { phase: 'working', share: 1 })
      follow(upload)
    } catch (error) {
      await refused(upload, error)
    }
  }

  /** @param {Upload} upload */
  async function sent(upload) {
    for (let time = 1; ; time += 1) {
      try {
        const onProgress = (/** @type {number} */ share) => set(upload, { share })
        await send(upload.file, upload.name, { overwrite: upload.overwrite, onProgress, signal: upload.over.signal })
        return
      } catch (error) {
        const isBusy = error instanceof Refusal && (error.status === 503 || error.status === 429)
        if (!isBusy || time === TIMES) throw error
        const seconds = /** @type {Refusal & {seconds?: number}} */ (error).seconds ?? 2 ** time
        await pause(Math.min(MOST_SECONDS, seconds), upload.over.signal)
      }
    }
  }

  /**
   * @param {Upload} upload
   * @param {unknown} error
   */
  async function refused(upload, error) {
    if (upload.over.signal.aborted) return
    if (!(error instanceof Refusal)) throw error
    if (error.code === 'image_changed' && !upload.overwrite) await clash(upload)
    else set(upload, { phase: 'refused', problem: error, isFinal: error.status === 413 || error.status === 403 })
  }

  /** @param {Upload} upload */
  async function clash(upload) {
    if (always === null) set(upload, { phase: 'clash' })
    else await choose(upload, always)
  }

  /**
   * @param {Upload} upload
   * @param {Choice} choice
   */
  async function choose(upload, choice) {
    if (choice === 'skip') {
      upload.over.abort()
      set(upload, { phase: 'over' })
      return
    }
    const changes = choice === 'rename' ? { name: await freeName(upload) } : { overwrite: true }
    if (!upload.over.signal.aborted) set(upload, { ...changes, phase: 'waiting', problem: null })
  }

  /**
   * A name like the upload's that neither an image nor another upload has.
   *
   * @param {Upload} upload
   * @returns {Promise<string>}
   */
  async function freeName(upload) {
    for (let number = 2; number <= MOST_NUMBERS; number += 1) {
      const name = numbered(upload.name, number)
      const isTaken = uploads.some((each) => each.name === name)
      if (!isTaken && !(await exists(name, upload.over.signal))) return name
    }
    return numbered(upload.name, Date.now())
  }

  /** @param {Upload} upload whose image is there */
  function follow(upload) {
    watch(upload.name, (state) => told(upload, state), upload.over.signal)
  }

  /**
   * @param {Upload} upload
   * @param {ImageState | Refusal} state
   * @returns {boolean} whether the next state matters
   */
  function told(upload, state) {
    if (state instanceof Refusal) {
      set(upload, { phase: 'refused', problem: state, isFinal: true })
      return false
    }
    if (state.state === 'complete' || state.state === 'failed') {
      set(upload, { phase: state.state, problem: problemOf(state) })
      return false
    }
    set(upload, { problem: problemOf(state) })
    return true
  }

  return {
    add(files) {
      const fresh = files.map((each) => {
        const problem = fault(each.file, most)
        lastId += 1
        return newUpload(lastId, each, problem)
      })
      uploads = [...uploads, ...fresh]
      for (const listener of listeners) listener(null)
      begin()
    },
    cancel(upload) {
      upload.over.abort()
      set(upload, { phase: 'over' })
      begin()
    },
    retry(upload) {
      if (upload.phase !== 'failed') {
        set(upload, { phase: 'waiting', problem: null })
        begin()
        return
      }
      set(upload, { phase: 'working', problem: null })
      change('POST', 'retry', {}, { name: upload.name }).then(
        () => follow(upload),
        (/** @type {Refusal} */ problem) => set(upload, { phase: 'failed', problem }),
      )
    },
    settle(upload, choice, forAll) {
      if (forAll) always = choice
      const which = forAll ? uploads.filter((each) => each.phase === 'clash') : [upload]
      for (const each of which) {
        choose(each, choice).then(begin, (/** @type {unknown} */ error) => refused(each, error))
      }
    },
    clear() {
      uploads = uploads.filter((each) => !PAST.includes(each.phase) && !(each.phase === 'refused' && each.isFinal))
      for (const listener of listeners) listener(null)
    },
    cancelAll() {
      for (const each of uploads) {
        if (each.phase === 'waiting' || each.phase === 'sending' || each.phase === 'clash') {
          each.over.abort()
          set(each, { phase: 'over' })
        }
      }
    },
    isSending: () => uploads.some((each) => each.phase === 'waiting' || each.phase === 'sending'),
    onChange: (listener) => void listeners.push(listener),
    all: () => uploads,
  }
}

/**
 * @param {number} id
 * @param {Wanted} wanted
 * @param {{message: string, action: string} | null} problem
 * @returns {Upload}
 */
function newUpload(id, { file, name }, problem) {
  const phase = problem ? 'refused' : 'waiting'
  const over = new AbortController()
  return { id, file, name, phase, share: 0, problem, isFinal: problem !== null, overwrite: false, over }
}

/**
 * The problem of an image, by the first step that tells one.
 *
 * @param {ImageState} state
 * @returns {{message: string, action: string} | null}
 */
function problemOf(state) {
  for (const step of [state.analysis, ...state.thumbnails, state.text]) {
    if ('problem' in step && step.problem) return step.problem
  }
  return null
}

/**
 * @param {number} seconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}
