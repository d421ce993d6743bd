/** `npm start`: builds what is needed, and runs the example host. Arguments go to the host. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from './build.mjs'
import { digest, fail, filesBelow, once, root, show } from './project.mjs'

const HOST = join(root, 'build', 'examples', 'host', 'main.js')

/** Compiles the examples: Node 20 does not run TypeScript. */
export function buildExamples() {
  const sources = [
    ...filesBelow('examples', 'bench/src').filter((file) => file.endsWith('.ts')),
    join(root, 'index.d.ts'),
  ]
  const config = join(root, 'tsconfig.tools.json')
  if (!existsSync(config)) return
  once(join(root, 'build', '.sources'), digest([...sources, config]), [HOST], () => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    if (!show(process.execPath, [tsc, '-p', 'tsconfig.tools.json'])) fail('The examples do not compile.')
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await build()
  buildExamples()
  process.exitCode = show(process.execPath, [HOST, ...process.argv.slice(2)]) ? 0 : 1
}
