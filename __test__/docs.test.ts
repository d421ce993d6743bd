/** Every sample of README.md and docs/ compiles, runs, and gives what it says. */

import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, test } from 'vitest'
import { DECLARATIONS, RUNTIME, withChecks } from './docs/check.js'
import { documents, extract, type Program, programsOf } from './docs/extract.js'
import { root, temporaryDirectory } from './support.js'

const work = temporaryDirectory()
const found = documents(root).map((document) => programsOf(root, document))
const programs = found.flatMap(({ programs }) => programs)
const skipped = found.flatMap(({ skipped }) => skipped)

/** Where a program is: named so that what the compiler says leads to the document. */
const place = ({ document, line }: Pick<Program, 'document' | 'line'>): string => `${document}:${line}`
const nameOf = ({ document, line }: Program): string => `${basename(document, '.md')}.${line}`

const SUFFIX = { ts: ['ts', 'js'], js: ['mjs', 'mjs'], cjs: ['cjs', 'cjs'] } as const

/** What the compiler says, by program. */
const complaints = new Map<string, string[]>()

function complain(name: string, text: string): void {
  complaints.set(name, [...(complaints.get(name) ?? []), text])
}

/** A package as a user has it: this one and all that it is tested with are installed. */
function install(): void {
  mkdirSync(join(work, 'node_modules'))
  const link = (from: string, to: string) => symlinkSync(from, join(work, 'node_modules', to))
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) link(join(root, 'node_modules', name), name)
  }
  link(root, 'actor-sqlite')
  writeFileSync(
    join(work, 'package.json'),
    JSON.stringify({ name: 'samples', private: true, type: 'module' }),
  )
  writeFileSync(join(work, 'checks.d.ts'), DECLARATIONS)
  writeFileSync(join(work, 'checks.cjs'), RUNTIME)
  // What Prisma's generator makes beside a program.
  mkdirSync(join(work, 'generated'))
  copyFileSync(join(root, '__test__/adapters/prisma/client.ts'), join(work, 'generated/client.ts'))
}

function compile(files: string[]): void {
  const program = ts.createProgram([join(work, 'checks.d.ts'), ...files], {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    strict: true,
    skipLibCheck: true,
    noEmitOnError: false,
  })
  program.emit()
  for (const { file, start, messageText } of ts.getPreEmitDiagnostics(program)) {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n')
    if (file === undefined || start === undefined) throw new Error(text)
    const line = file.getLineAndCharacterOfPosition(start).line + 1
    complain(basename(file.fileName, '.ts'), `line ${line}: ${text}`)
  }
}

beforeAll(() => {
  install()
  const files: string[] = []
  for (const program of programs) {
    const name = nameOf(program)
    const file = join(work, `${name}.${SUFFIX[program.language][0]}`)
    try {
      writeFileSync(file, withChecks(program.text, file))
      if (program.language === 'ts') files.push(file)
    } catch (error) {
      complain(name, (error as Error).message)
    }
  }
  compile(files)
}, 180_000)

/** Runs a program in a directory of its own. */
function run(program: Program): Promise<{ ok: boolean; output: string }> {
  const name = nameOf(program)
  const cwd = join(work, `in-${name}`)
  mkdirSync(cwd)
  const file = join(work, `${name}.${SUFFIX[program.language][1]}`)
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--require', join(work, 'checks.cjs'), file],
      { cwd, timeout: 60_000, env: { ...process.env, NO_COLOR: '1' } },
      (error, stdout, stderr) => resolve({ ok: error === null, output: `${stderr}${stdout}` }),
    )
  })
}

describe.concurrent('samples', { timeout: 120_000 }, () => {
  let free = availableParallelism()
  const waiting: (() => void)[] = []
  const turn = async () => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
  }
  const done = () => {
    const next = waiting.shift()
    if (next === undefined) free += 1
    else next()
  }

  for (const program of programs) {
    test(place(program), async () => {
      const complaint = complaints.get(nameOf(program))?.join('\n')
      if (complaint !== undefined) {
        throw new Error(`the sample of ${place(program)} does not compile\n${complaint}`)
      }
      await turn()
      const { ok, output } = await run(program).finally(done)
      if (!ok) throw new Error(`the sample of ${place(program)} fails\n${output}`)
    })
  }
})

test('few samples are not run, each for a reason', () => {
  for (const { reason } of skipped) expect(reason.length).toBeGreaterThan(10)
  expect(
    skipped.length,
    `not run: ${skipped.map(({ document, line, reason }) => `${document}:${line} (${reason})`).join(', ')}`,
  ).toBeLessThanOrEqual(10)
})

test('samples are found, joined and left out as it is said', () => {
  const fence = '```'
  const text = [
    `${fence}ts`,
    "import 'a'",
    fence,
    'words',
    `${fence}ts`,
    'next()',
    fence,
    '<!-- not run: needs a server far away -->',
    '',
    `${fence}ts`,
    'far()',
    fence,
    `${fence}sh`,
    'npm start',
    fence,
    `${fence}js`,
    "const x = require('x')",
    fence,
  ].join('\n')
  const { programs, skipped } = extract('d.md', text)
  expect(programs).toEqual([
    { document: 'd.md', line: 2, language: 'ts', text: "\nimport 'a'\n\n\n\nnext()\n" },
    { document: 'd.md', line: 17, language: 'cjs', text: `${'\n'.repeat(16)}const x = require('x')\n` },
  ])
  expect(skipped).toEqual([{ document: 'd.md', line: 11, reason: 'needs a server far away' }])
})

/** Runs a text with its checks, as the samples are. */
async function checked(name: string, text: string): Promise<{ ok: boolean; output: string }> {
  const program: Program = { document: `${name}.md`, line: 1, language: 'js', text }
  writeFileSync(join(work, `${nameOf(program)}.mjs`), withChecks(text, 'sample.js'))
  return await run(program)
}

test('a value that is not what its comment says is found', async () => {
  const good = `
    const a = 1 + 1 // → 2
    const { b, c } = { b: 'x', c: [1n] } // → { b: 'x', c: [ 1n ] }
    a * 2 // → 4
    console.log('said', { a }) // → said { a: 2 }
    b // → x
    Object.assign(new Error('no'), { code: 'E' }) // → Error: no…
    await Promise.reject(Object.assign(new Error('no'), { code: 'ERR_X' })) // → throws ERR_X
    if (a) {
      a + 1 // → 3
    }
    JSON.stringify({
      a,
    }) // → {"a":2}`
  expect(await checked('good', good)).toMatchObject({ ok: true })
  const bad = [
    '1 + 1 // → 3',
    "'a' // → b",
    'console.log(1) // → 2',
    'await 1 // → throws ERR_X',
    '({ a: 1 }) // → { a: 1, … }',
  ]
  for (const [index, text] of bad.entries()) {
    const { ok, output } = await checked(`bad-${index}`, text)
    expect(ok, text).toBe(false)
    expect(output).toContain('line 1: the document says')
  }
  expect(() => withChecks('// → 3', 'sample.js')).toThrow('stands behind no statement')
})
