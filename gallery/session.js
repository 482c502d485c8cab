/**
 * Who looks at the page: a person who is signed in, one with the key, or one in front of the local stack.
 */

import { get, keepKey, keyHeader, Refusal } from './data.js'
import { apart, at, element, say } from './dom.js'

/** @typedef {import('./types.js').Session} Session */

const MANUAL = 'docs/gallery.md'

/**
 * Ask until the one who looks may see the data.
 *
 * @returns {Promise<Session>} with a role
 */
export async function signedIn() {
  const session = await asked()
  const role = session.role === null ? await entered(session) : session
  showAccount(role)
  document.addEventListener('signed-out', () => showSignedOut(role))
  return role
}

/** @returns {Promise<Session>} the session, as soon as the app tells one */
async function asked() {
  for (;;) {
    try {
      return await get('session')
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      await tryAgain(error)
    }
  }
}

/**
 * Show what keeps the app from answering, until the person tries again.
 *
 * @param {Refusal} refusal
 * @returns {Promise<void>}
 */
function tryAgain(refusal) {
  return new Promise((resolve) => {
    const again = element('button', { class: 'first', type: 'button' }, 'Try again')
    const view = showEntry(
      'The app does not work',
      paragraph(refusal.message),
      paragraph(refusal.action),
      element('p', {}, again),
    )
    again.addEventListener('click', () => {
      view.remove()
      resolve()
    })
  })
}

/**
 * Show the ways in, until one of them leads in.
 *
 * @param {Session} session of one who may see nothing yet
 * @returns {Promise<Session>}
 */
function entered(session) {
  const wrong = 'x-gallery-key' in keyHeader()
  keepKey(null)
  return new Promise((resolve) => {
    const view = showEntry(
      session.how === 'sign-in' ? 'You have no role here yet' : 'Sign in to see the images',
      ...whoIsIn(session),
      session.signIn && session.how !== 'sign-in' && element('p', {}, signInLink()),
      session.key &&
        keyForm(wrong, (found) => {
          view.remove()
          say('You see the images.')
          resolve(found)
        }),
      !session.signIn && !session.key && nothingIsOn(),
    )
    const first = view.querySelector('a.button, input, button')
    if (first instanceof HTMLElement) first.focus()
  })
}

/**
 * What a person is told who is signed in and has no role.
 *
 * @param {Session} session
 * @returns {HTMLElement[]}
 */
function whoIsIn(session) {
  if (session.how !== 'sign-in') return []
  const who = session.person ? ['You are signed in as ', apart(session.person), '.'] : ['You are signed in.']
  return [
    element('p', {}, ...who),
    paragraph('Ask those who run the app for the role viewer or editor. Then sign out and in again.'),
    element('p', {}, signOutLink()),
  ]
}

/** What those are told who run an app into which there is no way in. */
function nothingIsOn() {
  return element(
    'div',
    {},
    paragraph('This app has neither a sign-in nor a key for this page.'),
    paragraph(`If you run it: turn on the sign-in, or set GALLERY_KEY; ${MANUAL} says how.`),
  )
}

/**
 * A form for GALLERY_KEY.
 *
 * @param {boolean} wrong whether the tab's key has just been refused
 * @param {(session: Session) => void} onSession called with a session that has a role
 * @returns {HTMLElement}
 */
function keyForm(wrong, onSession) {
  const key = /** @type {HTMLInputElement} */ (
    element('input', {
      id: 'key',
      type: 'password',
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      required: true,
      'aria-describedby': 'key-told',
    })
  )
  const told = element('p', { id: 'key-told', role: 'alert', class: 'told' })
  const enter = element('button', { type: 'submit' }, 'Use the key')
  const form = element(
    'form',
    { class: 'key' },
    element('label', { for: 'key' }, 'Or look with the key of this page (GALLERY_KEY). It is kept for this tab alone.'),
    element('div', { class: 'line' }, key, enter),
    told,
  )
  if (wrong) told.textContent = 'The key that this tab had is not the key of this app any more.'
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void entry(key, told, enter, onSession)
  })
  return form
}

/**
 * Try a key.
 *
 * @param {HTMLInputElement} key
 * @param {HTMLElement} told where it says what was wrong
 * @param {HTMLElement} enter
 * @param {(session: Session) => void} onSession
 */
async function entry(key, told, enter, onSession) {
  const given = key.value.trim()
  told.textContent = ''
  // A header cannot carry other characters, and no such key can be set.
  if (!/^[!-~]+$/.test(given)) {
    refuseKey(key, told)
    return
  }
  enter.setAttribute('disabled', '')
  keepKey(given)
  try {
    /** @type {Session} */
    const session = await get('session')
    if (session.role !== null) {
      onSession(session)
    } else {
      keepKey(null)
      refuseKey(key, told)
    }
  } catch (error) {
    keepKey(null)
    told.textContent = error instanceof Refusal ? `${error.message} ${error.action}` : String(error)
  } finally {
    enter.removeAttribute('disabled')
  }
}

/**
 * @param {HTMLInputElement} key
 * @param {HTMLElement} told
 */
function refuseKey(key, told) {
  told.textContent = 'This is not the key of this page. Copy the whole value of GALLERY_KEY, without spaces.'
  key.select()
  key.focus()
}

/**
 * Show a view in place of all others.
 *
 * @param {string} title
 * @param {...(Node | false)} parts
 * @returns {HTMLElement} the view, which ends when it is removed
 */
function showEntry(title, ...parts) {
  const view = element('section', { class: 'entry', 'aria-labelledby': 'entry-title' })
  view.append(element('h1', { id: 'entry-title' }, title), ...parts.filter((part) => part !== false))
  at('main').prepend(view)
  return view
}

/** @param {Session} session with a role */
function showAccount(session) {
  const account = at('account')
  if (session.how === 'sign-in') {
    const role = session.role === 'viewer' ? 'may look' : 'may change'
    account.append(
      element('span', { class: 'person', title: `${session.person ?? ''} (${role})` }, apart(session.person ?? '')),
      signOutLink(session.person),
    )
  }
  if (session.how === 'key') {
    const forget = element(
      'button',
      { type: 'button', title: 'The tab forgets the key of this page' },
      'Forget the key',
    )
    forget.addEventListener('click', () => {
      keepKey(null)
      location.reload()
    })
    account.append(...(session.signIn ? [signInLink()] : []), forget)
  }
}

/**
 * Say that the sign-in is over, in front of the view that stays as it is.
 *
 * @param {Session} session that was
 */
function showSignedOut(session) {
  if (document.getElementById('signed-out')) return
  const way =
    session.how === 'sign-in'
      ? signInLink('Sign in again')
      : element('button', { type: 'button', class: 'first', onclick: () => location.reload() }, 'Load the page anew')
  document.body.append(
    element(
      'div',
      { id: 'signed-out', role: 'alert' },
      element('span', {}, 'The app does not know you any more.'),
      way,
    ),
  )
}

/** @param {string} [text] */
function signInLink(text = 'Sign in') {
  const back = encodeURIComponent(location.pathname + location.search)
  return element('a', { class: 'button first', href: `/.auth/login/aad?post_login_redirect_uri=${back}` }, text)
}

/** @param {string | null} [person] */
function signOutLink(person = null) {
  const back = encodeURIComponent('/api/gallery')
  const href = `/.auth/logout?post_logout_redirect_uri=${back}`
  return element('a', { class: 'button', href, title: person && `You are ${person}` }, 'Sign out')
}

/** @param {string} text */
function paragraph(text) {
  return element('p', {}, text)
}
