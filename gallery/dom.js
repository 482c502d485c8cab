/**
 * Elements of the page. Every string that comes from an image, a name or a person becomes text here, never markup.
 */

/**
 * An element.
 *
 * @param {string} tag its name
 * @param {Record<string, unknown>} [properties] attributes; `on...` is a listener, `class` the class names, a boolean
 *   sets or leaves out the attribute, null leaves it out
 * @param {...(Node | string | null | undefined | false)} children strings become text
 * @returns {HTMLElement}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag)
  set(made, properties)
  made.append(...present(children))
  return made
}

const SVG = 'http://www.w3.org/2000/svg'

/**
 * An element of SVG.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {SVGElement}
 */
export function shape(tag, properties = {}, ...children) {
  const made = document.createElementNS(SVG, tag)
  set(made, properties)
  made.append(...present(children))
  return made
}

/**
 * A text of any direction that does not change the order of what stands around it.
 *
 * @param {string} text
 * @returns {HTMLElement}
 */
export function apart(text) {
  return element('bdi', {}, text)
}

/**
 * Tell readers of screens what has happened. While a dialog is open, they hear nothing outside of it.
 *
 * @param {string} text
 */
export function say(text) {
  const place = document.querySelector('dialog[open] > .say') ?? at('say')
  place.textContent = text
}

/**
 * The element of the shell with this id.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function at(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`The shell has no element ${id}.`)
  return found
}

/**
 * @param {Element} made
 * @param {Record<string, unknown>} properties
 */
function set(made, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith('on')) made.addEventListener(name.slice(2), /** @type {EventListener} */ (value))
    else made.setAttribute(name, value === true ? '' : String(value))
  }
}

/** @param {(Node | string | null | undefined | false)[]} children */
function present(children) {
  return /** @type {(Node | string)[]} */ (children.filter((child) => child || child === ''))
}
