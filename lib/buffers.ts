/** Blobs as libraries know them that were written for drivers that give them as `Buffer`. */

/** Makes each blob of some rows a `Buffer` of the same bytes, in place. */
export function withBuffers<T>(rows: T[]): T[] {
  for (const row of rows as Record<string, unknown>[]) {
    for (const name in row) {
      const value = row[name]
      if (typeof value !== 'object' || !(value instanceof Uint8Array)) continue
      // Defined, not set: a column may be called `__proto__`.
      const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      Object.defineProperty(row, name, {
        value: buffer,
        writable: true,
        enumerable: true,
        configurable: true,
      })
    }
  }
  return rows
}
