/**
 * Files that people drop, choose or paste, with the names that their images are to have.
 */

/**
 * A file to upload.
 *
 * @typedef {object} Wanted
 * @property {File} file
 * @property {string} name of the image: the path in its folder, if it came in one
 */

const ENDINGS =
  'avif bmp cur dib gif heic heics heif heifs hif ico j2c j2k jfif jp2 jpc jpe jpeg jpf jpg jpx mpo pdf png tif tiff webp'
const KNOWN = new Set(ENDINGS.split(' '))
// What systems put beside people's files.
const BESIDE = new Set(['thumbs.db', 'desktop.ini'])

/**
 * The files of a chooser; those of a folder have their path.
 *
 * @param {Iterable<File>} files
 * @returns {Wanted[]}
 */
export function chosen(files) {
  return [...files].map((file) => wanted(file, file.webkitRelativePath || file.name)).filter((each) => isMeant(each))
}

/**
 * The files of a drop, those in folders too.
 *
 * @param {DataTransfer} transfer as the event has it: it is empty when the event is over
 * @returns {Promise<Wanted[]>}
 */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => (item.kind === 'file' ? item.webkitGetAsEntry() : null))
  const loose = chosen(transfer.files)
  // Without entries there are no folders, but the files.
  if (entries.every((entry) => entry === null)) return loose
  const found = await Promise.all(entries.filter((entry) => entry !== null).map(within))
  return found.flat().filter((each) => isMeant(each))
}

/**
 * Pasted pictures all have the same name, so they get one of their time.
 *
 * @param {Iterable<File>} files
 * @param {Date} now
 * @returns {Wanted[]}
 */
export function pasted(files, now) {
  const time = now.toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '')
  return [...files].map((file, at) => {
    const isNamed = !/^image\.\w+$/.test(file.name)
    const ending = file.name.split('.').pop() ?? 'png'
    return wanted(file, isNamed ? file.name : `pasted-${time}${at ? `-${at + 1}` : ''}.${ending}`)
  })
}

/**
 * Why a file cannot be uploaded; null if it can be tried.
 *
 * @param {File} file
 * @param {number} most bytes of one
 * @returns {{message: string, action: string} | null}
 */
export function fault(file, most) {
  const ending = file.name.includes('.') ? (file.name.split('.').pop() ?? '').toLowerCase() : ''
  const isKnown = KNOWN.has(ending) || (file.type.startsWith('image/') && file.type !== 'image/svg+xml')
  if (!isKnown && file.type !== 'application/pdf') {
    return {
      message: 'This is no picture and no PDF.',
      action: 'Add JPEG, PNG, GIF, WebP, HEIC, AVIF, TIFF, BMP, ICO, JPEG 2000 or PDF files.',
    }
  }
  if (file.size === 0) return { message: 'The file is empty.', action: 'Look whether it was copied to its end.' }
  if (file.size > most) {
    return {
      message: `The file has ${megabytes(file.size)}, and the app takes ${megabytes(most)} at most.`,
      action: 'Save it with fewer pixels, or compress it more.',
    }
  }
  return null
}

/**
 * @param {number} bytes
 * @returns {string}
 */
export function megabytes(bytes) {
  const count = bytes / 1024 ** 2
  return `${count.toLocaleString(undefined, { maximumFractionDigits: count < 10 ? 1 : 0 })} MB`
}

/**
 * The same name with a number.
 *
 * @param {string} name
 * @param {number} number
 * @returns {string}
 */
export function numbered(name, number) {
  const found = /^(.*?)(\.[^./]{1,10})?$/s.exec(name)
  return found ? `${found[1]}-${number}${found[2] ?? ''}` : `${name}-${number}`
}

/**
 * @param {File} file
 * @param {string} name
 * @returns {Wanted}
 */
function wanted(file, name) {
  // Some systems take letters apart; searches and other people type them whole.
  return { file, name: name.replace(/^\/+/, '').normalize('NFC') }
}

/** @param {Wanted} each */
function isMeant({ file }) {
  return !file.name.startsWith('.') && !BESIDE.has(file.name.toLowerCase())
}

/**
 * The files of an entry of a drop.
 *
 * @param {FileSystemEntry} entry
 * @returns {Promise<Wanted[]>}
 */
async function within(entry) {
  if (entry.isFile) {
    const file = await fileOf(/** @type {FileSystemFileEntry} */ (entry))
    return file ? [wanted(file, entry.fullPath)] : []
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader()
  /** @type {Wanted[]} */
  const found = []
  for (;;) {
    // A reader gives a hundred at a time.
    const some = await entriesOf(reader)
    if (some.length === 0) return found
    for (const each of some) found.push(...(await within(each)))
  }
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File | null>}
 */
function fileOf(entry) {
  return new Promise((resolve) => entry.file(resolve, () => resolve(null)))
}

/**
 * @param {FileSystemDirectoryReader} reader
 * @returns {Promise<FileSystemEntry[]>}
 */
function entriesOf(reader) {
  return new Promise((resolve) => reader.readEntries(resolve, () => resolve([])))
}
