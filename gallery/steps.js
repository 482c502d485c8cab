/**
 * The steps of an image: which are missing and why, how each was decided, and trying again.
 */

import { counted, timeSaid, untilSaid } from './format.js'
import { Refusal } from './data.js'
import { apart, element, say } from './dom.js'
import { icon } from './icons.js'
import { folded, tell } from './panel.js'

/** @typedef {import('./types.js').Shown} Shown */
/** @typedef {import('./types.js').StepProblem} StepProblem */
/** @typedef {import('./types.js').Decision} Decision */
/** @typedef {{step: 'analysis' | 'thumbnails' | 'text', what: string, state: string, problem?: StepProblem,
 *   reason?: {code: string, message: string}}} Step */

const TITLES = { analysis: 'Analysis', thumbnails: 'Thumbnails', text: 'Text' }
const STATES = { done: 'done', none: 'not needed', pending: 'in work', deferred: 'tried again later', failed: 'failed' }
/** What the app does next by itself, so that there is nothing to press. */
const GOES_ON = ['not_made', 'waits_for_analysis']

/**
 * The missing steps, failures first: a card for each reason, with a button that tries again.
 *
 * @param {Shown} shown
 * @param {((step: string | null) => Promise<void>) | null} onRetry null for those who may not; the step, or null of all
 * @returns {HTMLElement | null} null where nothing is missing
 */
export function missing(shown, onRetry) {
  const steps = stepsOf(shown).filter(({ problem, reason }) => problem || reason)
  if (!steps.length) return null
  const waiting = steps.filter(({ problem, reason }) => !problem && reason && GOES_ON.includes(reason.code))
  const others = steps.filter((step) => !waiting.includes(step))
  return element(
    'section',
    { class: 'part missing', 'aria-label': 'Missing steps' },
    ...[...others].sort(failedFirst).map((step) => card(step, onRetry)),
    waiting.length ? working(waiting) : null,
  )
}

/**
 * @param {Step} one
 * @param {Step} other
 */
function failedFirst(one, other) {
  return Number(other.state === 'failed') - Number(one.state === 'failed')
}

/**
 * @param {Step} step
 * @param {((step: string | null) => Promise<void>) | null} onRetry
 */
function card({ step, what, state, problem, reason }, onRetry) {
  const failed = state === 'failed'
  return element(
    'div',
    { class: failed ? 'notice bad' : 'notice wait' },
    element('h3', {}, icon(failed ? 'wrong' : 'wait'), `${what}: ${STATES[/** @type {'failed'} */ (state)]}`),
    element('p', { class: 'reason' }, problem?.message ?? reason?.message ?? ''),
    problem ? element('p', {}, problem.action) : null,
    problem ? element('p', { class: 'quiet' }, attemptsSaid(problem)) : null,
    onRetry && !problem?.running ? retryButton(step, onRetry) : null,
  )
}

/** @param {StepProblem} problem */
function attemptsSaid({ attempts, last, until, running }) {
  const tried = `${counted(attempts, 'attempt')}, the last one ${timeSaid(last)}.`
  if (running) return `${tried} It is being tried again now.`
  return until ? `${tried} It is tried again ${untilSaid(until)}.` : tried
}

/**
 * @param {string} step
 * @param {(step: string | null) => Promise<void>} onRetry
 */
function retryButton(step, onRetry) {
  const label = element('span', {}, 'Try again')
  const told = element('p', { class: 'refused', role: 'alert', hidden: true })
  const button = /** @type {HTMLButtonElement} */ (
    element(
      'button',
      { type: 'button', class: 'first with-icon', 'data-focus': `retry-${step}`, onclick: retry },
      icon('again'),
      label,
    )
  )
  async function retry() {
    button.disabled = true
    told.hidden = true
    label.textContent = 'Asked for'
    try {
      await onRetry(step)
      say('It is being tried again.')
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      told.hidden = false
      told.textContent = `${error.message} ${error.action}`
      label.textContent = 'Try again'
    } finally {
      button.disabled = false
    }
  }
  return element('div', {}, button, told)
}

/** @param {Step[]} waiting */
function working(waiting) {
  const names = waiting.map(({ what }) => what.toLowerCase()).join(', ')
  return element(
    'div',
    { class: 'notice work' },
    element('h3', {}, element('span', { class: 'spinner', 'aria-hidden': 'true' }), 'In work'),
    element('p', {}, `Still to come: ${names}. This view follows.`),
  )
}

/**
 * The steps of a state; thumbnails with the same reason are one.
 *
 * @param {Shown} shown
 * @returns {Step[]}
 */
function stepsOf({ state: { analysis, thumbnails, text } }) {
  /** @type {Map<string, typeof thumbnails>} */
  const alike = new Map()
  for (const one of thumbnails) {
    const key = `${one.state} ${one.problem?.code ?? ''} ${one.reason?.code ?? ''}`
    alike.set(key, [...(alike.get(key) ?? []), one])
  }
  return [
    { ...analysis, step: 'analysis', what: 'Analysis' },
    ...[...alike.values()].map((same) => ({
      ...same[0],
      step: /** @type {const} */ ('thumbnails'),
      what:
        alike.size === 1 ? 'Thumbnails' : `Thumbnails ${same.map(({ size }) => size.replace('x', ' × ')).join(', ')}`,
    })),
    { ...text, step: 'text', what: 'Text' },
  ]
}

/**
 * What was decided of each step, in sentences.
 *
 * @param {Decision[]} decisions
 * @returns {HTMLElement}
 */
function decided(decisions) {
  return element(
    'ol',
    { class: 'decisions' },
    ...decisions.map((one) =>
      element(
        'li',
        { class: one.state },
        icon(/** @type {'done'} */ ({ done: 'done', none: 'none', failed: 'wrong' }[one.state] ?? 'wait')),
        element(
          'div',
          {},
          element(
            'p',
            { class: 'title' },
            TITLES[one.step],
            one.what ? ` ${one.what.replace('x', ' × ')}` : null,
            element('span', { class: 'unseen' }, `, ${STATES[/** @type {'done'} */ (one.state)] ?? one.state}`),
          ),
          element('p', {}, one.message),
          one.next ? element('p', { class: 'quiet' }, `Tried again ${untilSaid(one.next)}.`) : null,
          one.settings.length ? settings(one.settings) : null,
        ),
      ),
    ),
  )
}

/** @param {Decision['settings']} told */
function settings(told) {
  return element(
    'ul',
    { class: 'settings', 'aria-label': 'Settings that decided' },
    ...told.map(({ name, value }) =>
      element(
        'li',
        {},
        element('code', {}, name),
        ' ',
        value ? apart(value) : element('span', { class: 'quiet' }, 'not set'),
      ),
    ),
  )
}

/**
 * @param {() => Promise<import('./types.js').Receipt>} receipt
 * @returns {HTMLElement}
 */
export function decisionsOf(receipt) {
  return folded('decisions', 'What was done, and why', null, () => {
    const inside = element('div', {}, element('p', { class: 'quiet' }, 'Loading…'))
    receipt().then(
      ({ decisions }) => inside.replaceChildren(decided(decisions)),
      (error) => tell(inside, error),
    )
    return [inside]
  })
}
