/** EXPLAIN and EXPLAIN QUERY PLAN, drawn. */

import type { SqlValue } from '../../types.js'
import { bytesOf, padded, widthOf } from './bytes.js'
import { textOf } from './quote.js'
import type { Renderer, Write } from './renderer.js'

/** A query plan as a tree. */
export class QueryPlanRenderer implements Renderer {
  readonly #write: Write
  readonly #children = new Map<string, { id: string; text: string }[]>()

  constructor(write: Write) {
    this.#write = write
  }

  row([id, parent, , detail]: readonly SqlValue[]): void {
    const siblings = this.#children.get(String(parent)) ?? []
    siblings.push({ id: String(id), text: textOf(detail ?? null) ?? '' })
    this.#children.set(String(parent), siblings)
  }

  end(): void {
    if (this.#children.size === 0) return
    this.#write('QUERY PLAN\n')
    this.#level('0', '')
  }

  #level(parent: string, prefix: string): void {
    const nodes = this.#children.get(parent) ?? []
    nodes.forEach(({ id, text }, index) => {
      const last = index === nodes.length - 1
      this.#write(`${prefix}${last ? '`--' : '|--'}${text}\n`)
      this.#level(id, prefix + (last ? '   ' : '|  '))
    })
  }
}

const WIDTHS = [4, 13, 4, 4, 4, 13, 2, 13]
const LOOP_ENDS = new Set(['Next', 'Prev', 'VPrev', 'VNext', 'SorterNext'])
const LOOP_STARTS = new Set(['Yield', 'SeekLT', 'SeekGT', 'RowSetRead', 'Rewind'])

/** How far each instruction is set in: those between the start and the end of a loop. */
function indents(program: readonly (readonly SqlValue[])[]): number[] {
  const depth = program.map(() => 0)
  program.forEach(([, opcode, p1, p2], at) => {
    const target = Number(p2)
    const back =
      opcode === 'Goto' && target < at && (LOOP_STARTS.has(String(program[target]?.[1])) || Number(p1) !== 0)
    if (!LOOP_ENDS.has(String(opcode)) && !back) return
    for (let inside = target; inside < at; inside += 1) depth[inside] = (depth[inside] ?? 0) + 2
  })
  return depth
}

/** A program of the virtual machine, its loops set in. */
export class ProgramRenderer implements Renderer {
  readonly #write: Write
  readonly #columns: readonly string[]
  readonly #program: (readonly SqlValue[])[] = []

  constructor(columns: readonly string[], write: Write) {
    this.#columns = columns
    this.#write = write
  }

  row(values: readonly SqlValue[]): void {
    this.#program.push(values)
  }

  end(): void {
    if (this.#program.length === 0) return
    const widths = this.#columns.map((name, column) => Math.max(WIDTHS[column] ?? 0, widthOf(bytesOf(name))))
    this.#write(`${this.#columns.map((name, column) => padded(name, widths[column] ?? 0)).join('  ')}\n`)
    this.#write(`${widths.map((width) => '-'.repeat(width)).join('  ')}\n`)
    const depth = indents(this.#program)
    this.#program.forEach((values, at) => {
      const cells = values.map((value, column) => {
        const indent = column === 1 ? ' '.repeat(depth[at] ?? 0) : ''
        const width = column === values.length - 1 ? 0 : (WIDTHS[column] ?? 0)
        return indent + padded(textOf(value) ?? '', width)
      })
      this.#write(`${cells.join('  ')}\n`)
    })
  }
}
