/**
 * Byte strings: a character for each byte of UTF-8. What goes out may be blobs, which are no text, and
 * the sqlite3 shell cuts and counts in bytes.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII but NUL.
const ASCII = /^[\x01-\x7f]*$/

/** The byte string of a text, up to its first NUL. */
export function bytesOf(text: string): string {
  if (ASCII.test(text)) return text
  return cut(Buffer.from(text, 'utf8').toString('latin1'))
}

/** The byte string of a blob, up to its first NUL. */
export function bytesOfBlob(blob: Uint8Array): string {
  return cut(wholeBlob(blob))
}

/** The byte string of a whole blob. */
export function wholeBlob(blob: Uint8Array): string {
  return Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength).toString('latin1')
}

function cut(bytes: string): string {
  const end = bytes.indexOf('\0')
  return end < 0 ? bytes : bytes.slice(0, end)
}

/** How many characters of UTF-8 a byte string has. */
export function widthOf(bytes: string): number {
  let width = 0
  for (let index = 0; index < bytes.length; index += 1) {
    if ((bytes.charCodeAt(index) & 0xc0) !== 0x80) width += 1
  }
  return width
}

/** Fills with blanks on the right up to a width in characters. */
export function padded(bytes: string, width: number): string {
  return bytes + ' '.repeat(Math.max(0, width - widthOf(bytes)))
}
