/** Classes that say what is wrong when they are called in a way they cannot be. */

import { constructCallRequired, illegalConstructor } from './errors.js'

/** Stands for the right to make an object of a class that users cannot construct. */
export const inside: unique symbol = Symbol('inside')

/** Throws unless an object is made in here. */
export function requireInside(given: unknown): void {
  if (given !== inside) throw illegalConstructor()
}

// biome-ignore lint/suspicious/noExplicitAny: constructors of any kind
type Class = abstract new (...args: any[]) => object

/** The class under the name that users know, which tells whoever calls it as a function so. */
export function constructible<T extends Class>(type: T, name: string, legal: boolean): T {
  const proxy = new Proxy(type, {
    apply() {
      throw legal ? constructCallRequired() : illegalConstructor()
    },
  })
  Object.defineProperty(type, 'name', { value: name, configurable: true })
  Object.defineProperty(type.prototype, 'constructor', { value: proxy, writable: true, configurable: true })
  return proxy
}
