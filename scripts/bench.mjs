/** `npm run bench [large]`: builds, installs the peers into `bench/`, and runs the benchmark. */

import { join } from 'node:path'
import { build } from './build.mjs'
import { fail, root, show } from './project.mjs'
import { buildExamples } from './start.mjs'

await build()
buildExamples()
if (!show('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: join(root, 'bench') })) {
  fail(
    'The peers could not be installed in bench/: better-sqlite3 needs a C++ compiler and the headers of Node.',
  )
}
const [, , ...args] = process.argv
const folder = args[0] === 'large' ? [args.shift()] : []
const main = join(root, 'build', 'bench', 'src', ...folder, 'main.js')
process.exitCode = show(process.execPath, [main, ...args]) ? 0 : 1
