/**
 * The images in rows of boxes of one size. Only the rows near the window exist, so that 10,000 scroll like ten.
 */

import { makeCard } from './card.js'

/** @typedef {import('./card.js').Card} Card */
/** @typedef {import('./windows.js').Windows} Windows */

/** Rows that exist above and below the window. */
const SPARE_ROWS = 2
/** A list that moves by more than so many windows in one frame flies by: no pictures are asked for. */
const FLYING = 1.2
const REST_MILLISECONDS = 110

/**
 * @param {HTMLElement} root an empty list
 * @param {{addressOf: (name: string) => string, open: (name: string) => void}} actions
 */
export function makeGrid(root, actions) {
  return new Grid(root, actions)
}

class Grid {
  /** @type {Windows | null} */
  #source = null
  /** @type {Map<string, Card>} by the image's name, or its place while that is not known */
  #cards = new Map()
  #columns = 1
  #step = { x: 0, y: 0 }
  #size = { width: 0, height: 0 }
  #active = 0
  #lastTop = 0
  #frame = 0
  #rest = 0
  #flying = false

  /**
   * @param {HTMLElement} root
   * @param {{addressOf: (name: string) => string, open: (name: string) => void}} actions
   */
  constructor(root, actions) {
    this.root = root
    this.actions = actions
    root.addEventListener('keydown', (event) => this.#key(event))
    root.addEventListener('focusin', (event) => this.#entered(event))
    root.addEventListener('click', (event) => this.#clicked(event))
    addEventListener('scroll', () => this.#soon(), { passive: true })
    new ResizeObserver(() => this.#measure()).observe(root)
    addEventListener('resize', () => this.#soon())
  }

  /**
   * Show what a search has found, from its beginning.
   *
   * @param {Windows} source
   */
  show(source) {
    this.#source = source
    this.#active = 0
    this.root.classList.toggle('asked', source.q !== '')
    this.#measure()
  }

  /** Show the images that are known now. */
  update() {
    if (!this.#source) return
    this.root.style.height = `${this.#rows() * this.#step.y}px`
    this.#active = Math.max(0, Math.min(this.#active, this.#source.total - 1))
    this.#render()
  }

  /** Whether the focus is on an image. */
  get focused() {
    return this.root.contains(document.activeElement)
  }

  /**
   * Move the focus to an image.
   *
   * @param {string} name
   */
  focus(name) {
    const place = this.#source?.placeOf(name) ?? -1
    if (place >= 0) this.#move(place)
  }

  #rows() {
    return Math.ceil((this.#source?.total ?? 0) / this.#columns)
  }

  #measure() {
    const width = this.root.clientWidth
    if (!width) return
    const style = getComputedStyle(this.root)
    const gap = parseFloat(style.getPropertyValue('--grid-gap'))
    const least = parseFloat(style.getPropertyValue('--card-least'))
    const words = parseFloat(style.getPropertyValue('--card-words')) * parseFloat(style.fontSize)
    const before = this.#columns
    const first = this.#firstRow() * before
    this.#columns = Math.max(1, Math.floor((width + gap) / (least + gap)))
    const box = (width + gap) / this.#columns - gap
    this.#size = { width: box, height: Math.round(box * 0.75) + words }
    this.#step = { x: box + gap, y: this.#size.height + gap }
    this.root.style.setProperty('--card-width', `${box}px`)
    this.root.style.setProperty('--card-height', `${this.#size.height}px`)
    this.update()
    if (before !== this.#columns && first > 0) this.#scrollTo(Math.floor(first / this.#columns))
  }

  /** The first row that is wholly below the top of the window; 0 before anything has scrolled. */
  #firstRow() {
    const hidden = -this.root.getBoundingClientRect().top
    return this.#step.y ? Math.max(0, Math.round(hidden / this.#step.y)) : 0
  }

  #soon() {
    if (this.#frame) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      this.#scrolled()
    })
  }

  #scrolled() {
    const flown = Math.abs(scrollY - this.#lastTop)
    this.#lastTop = scrollY
    this.#flying = flown > innerHeight * FLYING
    clearTimeout(this.#rest)
    if (this.#flying) {
      this.#rest = setTimeout(() => {
        this.#flying = false
        this.#render()
      }, REST_MILLISECONDS)
    }
    this.#render()
  }

  /** @returns {[number, number]} the first place that exists, and the one behind the last */
  #stretch() {
    const total = this.#source?.total ?? 0
    const top = -this.root.getBoundingClientRect().top
    const first = Math.floor(top / this.#step.y) - SPARE_ROWS
    const last = Math.ceil((top + innerHeight) / this.#step.y) + SPARE_ROWS
    const within = (/** @type {number} */ place) => Math.max(0, Math.min(total, place))
    return [within(first * this.#columns), within(last * this.#columns)]
  }

  #render() {
    const source = this.#source
    if (!source || !this.#step.y) return
    const [from, to] = this.#stretch()
    if (!this.#flying) source.need(from, Math.max(to, from + 1))
    const places = this.#placesFrom(from, to)
    const focused = document.activeElement
    const had = this.root.contains(focused)
    this.#dropOthers(new Set(places.map((place) => this.#keyOf(place))), places)
    let following = this.root.firstElementChild
    for (const place of places) {
      const card = this.#cardAt(place)
      if (card.root === following) following = following.nextElementSibling
      else this.root.insertBefore(card.root, following)
      this.#put(card, place)
    }
    if (!had || focused === document.activeElement) return
    // An element that has been moved has lost the focus; of one that is gone, the next in its place takes it.
    if (focused instanceof HTMLElement && this.root.contains(focused)) focused.focus({ preventScroll: true })
    else this.#cards.get(this.#keyOf(this.#active))?.focus()
  }

  /**
   * Those that exist, in their order: the stretch, and the one with the focus, which must not be lost.
   *
   * @param {number} from
   * @param {number} to
   */
  #placesFrom(from, to) {
    const places = Array.from({ length: to - from }, (_, index) => from + index)
    if (this.#active < from && this.#source?.total) places.unshift(this.#active)
    else if (this.#active >= to && this.#source?.total) places.push(this.#active)
    return places
  }

  /** @param {number} place */
  #keyOf(place) {
    return this.#source?.at(place)?.name ?? `\n${place}`
  }

  /**
   * @param {Set<string>} wanted
   * @param {number[]} places
   */
  #dropOthers(wanted, places) {
    // A card of a place that was unknown becomes that of its image, and keeps the focus.
    for (const place of places) {
      const key = this.#keyOf(place)
      const unknown = this.#cards.get(`\n${place}`)
      if (unknown && !this.#cards.has(key)) {
        this.#cards.delete(`\n${place}`)
        this.#cards.set(key, unknown)
      }
    }
    for (const [key, card] of this.#cards) {
      if (wanted.has(key)) continue
      card.drop()
      this.#cards.delete(key)
    }
  }

  /** @param {number} place */
  #cardAt(place) {
    const key = this.#keyOf(place)
    let card = this.#cards.get(key)
    if (!card) {
      card = makeCard(this.actions.addressOf)
      this.#cards.set(key, card)
    }
    return card
  }

  /**
   * @param {Card} card
   * @param {number} place
   */
  #put(card, place) {
    const source = this.#source
    if (!source) return
    const row = Math.floor(place / this.#columns)
    card.put(place, source.total, (place % this.#columns) * this.#step.x, row * this.#step.y)
    card.fill(source.at(place))
    if (!this.#flying) card.look()
    card.reach(place === this.#active)
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
    const page = Math.max(1, Math.floor(innerHeight / this.#step.y) - 1) * this.#columns
    const total = this.#source?.total ?? 0
    const target = {
      ArrowLeft: this.#active - 1,
      ArrowRight: this.#active + 1,
      ArrowUp: this.#active - this.#columns,
      ArrowDown: this.#active + this.#columns,
      PageUp: Math.max(this.#active - page, this.#active % this.#columns),
      PageDown: Math.min(this.#active + page, total - 1),
      Home: 0,
      End: total - 1,
    }[event.key]
    if (target === undefined) return
    event.preventDefault()
    if (target >= 0 && target < total) this.#move(target)
    else if (event.key === 'ArrowDown' && this.#active < (this.#rows() - 1) * this.#columns) this.#move(total - 1)
  }

  /** @param {number} place */
  #move(place) {
    this.#active = place
    const row = Math.floor(place / this.#columns)
    const top = this.root.getBoundingClientRect().top + row * this.#step.y
    const covered = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) || 0
    if (top < covered) scrollBy(0, top - covered)
    else if (top + this.#size.height > innerHeight) scrollBy(0, top + this.#size.height + 12 - innerHeight)
    this.#render()
    this.#cards.get(this.#keyOf(place))?.focus()
  }

  /** @param {number} row */
  #scrollTo(row) {
    const covered = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) || 0
    scrollTo(0, this.root.getBoundingClientRect().top + scrollY + row * this.#step.y - covered)
  }

  /** @param {FocusEvent} event */
  #entered(event) {
    for (const card of this.#cards.values()) {
      if (!card.root.contains(/** @type {Node} */ (event.target)) || card.place === this.#active) continue
      this.#active = card.place
      for (const other of this.#cards.values()) other.reach(other === card)
    }
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    // With a key or another button the browser opens the image's address in a window of its own.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return
    for (const card of this.#cards.values()) {
      if (!card.root.contains(/** @type {Node} */ (event.target))) continue
      event.preventDefault()
      if (card.name !== null) this.actions.open(card.name)
    }
  }
}
