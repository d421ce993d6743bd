/** Functions and aggregates that SQL calls. */

import { describe, expect, test } from 'vitest'
import { memory, row, thrown } from './support.js'

describe('functions', () => {
  test('are called with values, and answer with one', () => {
    const db = memory()
    const given: unknown[] = []
    db.function('take', { varargs: true }, (...values: unknown[]) => {
      given.push(...values)
      return new DataView(new Uint8Array([7]).buffer)
    })
    expect(db.prepare("SELECT take(5, 1.5, 'x', NULL, x'fe') v").get()).toEqual(
      row({ v: new Uint8Array([7]) }),
    )
    expect(given).toEqual([5, 1.5, 'x', null, new Uint8Array([0xfe])])
    expect(Object.getPrototypeOf(given[4])).toBe(Uint8Array.prototype)
    db.function('two', (a: number, b: number) => a + b)
    expect(db.prepare('SELECT typeof(two(1, 2)) v').get()).toEqual(row({ v: 'real' }))
    expect(thrown(() => db.prepare('SELECT two(1)'))[1]).toBe('wrong number of arguments to function two()')
    db.function('no_answer', () => undefined)
    expect(db.prepare('SELECT no_answer() v').get()).toEqual(row({ v: null }))
  })

  test('integers that no number holds', () => {
    const db = memory()
    db.function('same', (value: bigint) => value)
    db.function('exact', { useBigIntArguments: true }, (value: bigint) => value - 1n)
    const large = 'Value is too large to be represented as a JavaScript number: 9007199254740993'
    expect(thrown(() => db.prepare('SELECT same(9007199254740993)').get())).toEqual([
      'ERR_OUT_OF_RANGE',
      large,
    ])
    expect(db.prepare('SELECT exact(5) v', { readBigInts: true }).get()).toEqual(row({ v: 4n }))
    db.function('huge', () => 2n ** 63n)
    expect(thrown(() => db.prepare('SELECT huge()').get())[1]).toBe('BigInt value is too large for SQLite')
  })

  test('what they throw comes through, and what they answer is looked at', () => {
    const db = memory()
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)')
    const mistake = new Error('mine')
    db.function('fails', () => {
      throw mistake
    })
    expect(() => db.exec('UPDATE t SET x = fails()')).toThrow(mistake)
    expect(db.prepare('SELECT x FROM t').get()).toEqual(row({ x: 1 }))
    const answers: [unknown, string][] = [
      [Promise.resolve(1), 'Asynchronous user-defined functions are not supported'],
      [{}, 'Returned JavaScript value cannot be converted to a SQLite value'],
      [true, 'Returned JavaScript value cannot be converted to a SQLite value'],
    ]
    for (const [answer, message] of answers) {
      db.function('answers', () => answer as never)
      expect(thrown(() => db.prepare('SELECT answers()').get())).toEqual([
        'ERR_SQLITE_ERROR',
        message,
        1,
        'SQL logic error',
      ])
    }
    db.function('uses', () => {
      db.exec('SELECT 1')
      return 1
    })
    expect(thrown(() => db.prepare('SELECT uses()').get())[0]).toBe('ERR_INVALID_STATE')
    db.function('closes', () => {
      db.close()
      return 1
    })
    expect(thrown(() => db.prepare('SELECT closes()').get())[1]).toBe(
      'database cannot be closed while in a callback',
    )
  })

  test('aggregates, also as windows', () => {
    const db = memory()
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3)')
    db.aggregate('list', {
      start: () => [] as number[],
      step: (list, value: number) => [...list, value],
      result: (list) => list.join(),
    })
    expect(db.prepare('SELECT list(x) v FROM t').get()).toEqual(row({ v: '1,2,3' }))
    expect(db.prepare('SELECT list(x) v FROM t WHERE 0').get()).toEqual(row({ v: '' }))
    db.aggregate('total_of', {
      start: 0,
      step: (total, value: number) => total + value,
      inverse: (total, value: number) => total - value,
    })
    const window = 'SELECT total_of(x) OVER (ORDER BY x ROWS 1 PRECEDING) v FROM t'
    expect(db.prepare(window, { returnArrays: true }).all()).toEqual([[1], [3], [5]])
    const mistake = new Error('mine')
    db.aggregate('fails', {
      start: 0,
      step: (): number => {
        throw mistake
      },
    })
    expect(() => db.prepare('SELECT fails() FROM t').get()).toThrow(mistake)
    expect(db.prepare('SELECT list(x) v FROM t').get()).toEqual(row({ v: '1,2,3' }))
  })

  test('arguments that are wrong', () => {
    const db = memory()
    const wrong: [unknown[], string][] = [
      [[], 'The "name" argument must be a string.'],
      [['f'], 'The "function" argument must be a function.'],
      [['f', null, () => 1], 'The "options" argument must be an object.'],
      [['f', { varargs: null }, () => 1], 'The "options.varargs" argument must be a boolean.'],
    ]
    const define = (given: unknown[]): void => Reflect.apply(db.function, db, given)
    for (const [given, message] of wrong) expect(thrown(() => define(given))[1]).toBe(message)
    const aggregate = (options: object): unknown => thrown(() => db.aggregate('a', options as never))[1]
    expect(aggregate({})).toBe('The "options.start" argument must be a function or a primitive value.')
    expect(aggregate({ start: 0 })).toBe('The "options.step" argument must be a function.')
    expect(aggregate({ start: 0, step: () => 1, inverse: 1 })).toBe(
      'The "options.inverse" argument must be a function.',
    )
  })
})
