/**
 * What the view of one image shows beside its state: why it was found, its records, its receipt.
 */

import { get, Refusal } from './data.js'

/** @typedef {import('./types.js').Found} Found */
/** @typedef {import('./types.js').Results} Results */
/** @typedef {import('./types.js').Receipt} Receipt */
/** @typedef {import('./types.js').ImageState} ImageState */
/** @typedef {import('./types.js').ReadPage} ReadPage */

/**
 * What the search says of an image: above all why it was found.
 *
 * @param {string} name
 * @param {string} q the query
 * @returns {Promise<Found | null>} null where it does not match, or is not known yet
 */
export async function foundAs(name, q) {
  const found = q ? await searched(name, q) : null
  return found ?? searched(name, '')
}

/**
 * @param {string} name
 * @param {string} q
 */
async function searched(name, q) {
  try {
    const { images } = /** @type {Results} */ (await get('search', { q, name, limit: 1 }))
    return images.find((one) => one.name === name) ?? null
  } catch (error) {
    // Marks are an extra: a search that fails takes away nothing else.
    if (error instanceof Refusal) return null
    throw error
  }
}

/**
 * @param {string} name
 * @param {string | undefined} path of an analysis record
 * @returns {Promise<import('./types.js').AnalysisRecord | null>} null where there is none, or it went meanwhile
 */
export async function analysisOf(name, path) {
  return path ? unlessRefused(get('record', { name, record: path })) : null
}

/**
 * A page of the text, and how many there are.
 *
 * @param {string} name
 * @param {string | undefined} path of a text record
 * @param {number} page from 1
 * @returns {Promise<{pages: number, page: ReadPage} | null>} null where there is none, or it went meanwhile
 */
export async function pageOf(name, path, page) {
  return path ? unlessRefused(get('record', { name, record: path, page })) : null
}

/**
 * The receipt, asked for once by those who show it.
 *
 * @param {string} name
 * @returns {() => Promise<Receipt>}
 */
export function receiptWhenAsked(name) {
  /** @type {Promise<Receipt> | null} */
  let asked = null
  const ask = async () => {
    const { receipt } = /** @type {ImageState} */ (await get('images', { name, explain: 'true' }))
    return /** @type {Receipt} */ (receipt)
  }
  return () => {
    asked ??= ask()
    return asked
  }
}

/**
 * @template T
 * @param {Promise<T>} asked
 * @returns {Promise<T | null>}
 */
async function unlessRefused(asked) {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Refusal) return null
    throw error
  }
}
