/** `npm run bench [large | handles | sync]`: builds, installs the peers into `bench/`, and runs the benchmark. */

import { join } from 'node:path'
import { build } from './build.mjs'
import { fail, root, show } from './project.mjs'
import { buildExamples } from './start.mjs'
import { nodeBinary } from './toolchain.mjs'

await build()
buildExamples()
if (!show('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: join(root, 'bench') })) {
  fail(
    'The peers could not be installed in bench/: better-sqlite3 needs a C++ compiler and the headers of Node.',
  )
}
const [, , ...args] = process.argv
const programs = { large: 'large/main.js', handles: 'handles.js', sync: 'sync.js' }
const program = Object.hasOwn(programs, args[0] ?? '') ? programs[args.shift()] : 'main.js'
const main = join(root, 'build', 'bench', 'src', program)
// Node's own module of SQLite is of 22.5 and later, the peer's binary of this version.
const nodes = program === 'sync.js' ? [process.execPath, nodeBinary(24)] : [process.execPath]
process.exitCode = nodes.every((node) => show(node, ['--expose-gc', main, ...args])) ? 0 : 1
