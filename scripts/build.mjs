/**
 * Builds the addon and the facade: what changed, and no more.
 *
 * `napi build` is not used for development: it names the target to cargo, which gives the addon a
 * build directory of its own, and so a second RocksDB beside the one that `cargo test` uses. Its
 * generators are: they make native.cjs and native.d.cts of what napi-derive wrote down.
 */

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  capture,
  cargoEnvironment,
  digest,
  fail,
  filesBelow,
  once,
  packageJson,
  platform,
  root,
  show,
  target,
  typeDefinitions,
} from './project.mjs'
import { announceFirstBuild, checkToolchain, installPackages } from './toolchain.mjs'

const CRATE = 'actor-sqlite-node'
const definitions = join(typeDefinitions, CRATE)

function cargoBuild() {
  mkdirSync(typeDefinitions, { recursive: true })
  const env = { ...cargoEnvironment(), NAPI_TYPE_DEF_TMP_FOLDER: typeDefinitions }
  if (!show('cargo', ['build', '--release', '--quiet', '-p', CRATE], { env })) {
    fail('cargo build failed.')
  }
}

function library() {
  const names = { win32: 'actor_sqlite_node.dll', darwin: 'libactor_sqlite_node.dylib' }
  return join(target, 'release', names[process.platform] ?? 'libactor_sqlite_node.so')
}

function buildAddon() {
  announceFirstBuild(target)
  const sources = digest(filesBelow('crates/node/src'))
  const note = `${typeDefinitions}.sources`
  const stale = !existsSync(note) || readFileSync(note, 'utf8') !== sources
  if (stale) rmSync(definitions, { force: true })
  cargoBuild()
  if (!existsSync(definitions)) {
    // The crate was compiled by somebody who did not ask for the definitions.
    capture('cargo', ['clean', '--release', '-p', CRATE], { env: cargoEnvironment() })
    cargoBuild()
  }
  writeFileSync(note, sources)
  place(library(), join(root, `actor-sqlite.${platform()}.node`))
}

/** Copies in one step: a process that has the old file loaded keeps it. */
function place(from, to) {
  const [source, present] = [statSync(from), existsSync(to) ? statSync(to) : undefined]
  if (present && present.size === source.size && present.mtimeMs >= source.mtimeMs) return
  const temporary = `${to}.${process.pid}`
  copyFileSync(from, temporary)
  renameSync(temporary, to)
}

async function generateBinding() {
  const { generateTypeDef, writeJsBinding } = await import('@napi-rs/cli')
  const { version, napi } = packageJson()
  const { exports, dts } = await generateTypeDef({ typeDefDir: typeDefinitions, cwd: root, constEnum: false })
  // napi-derive shows a docstring that went through a macro as the raw literal it then is.
  writeFileSync(join(root, 'native.d.cts'), dts.replace(/^(\s*(?:\/\*\*|\*)) r" /gm, '$1 '))
  await writeJsBinding({
    platform: true,
    idents: exports,
    jsBinding: 'native.cjs',
    format: 'commonjs',
    binaryName: napi.binaryName,
    packageName: napi.packageName,
    version,
    outputDir: root,
  })
}

async function buildBinding() {
  const results = ['native.cjs', 'native.d.cts'].map((file) => join(root, file))
  const inputs = digest([definitions, join(root, 'package.json')])
  const note = join(root, 'node_modules', '.cache', 'actor-sqlite', 'binding')
  if (once(note, inputs, results, () => {})) await generateBinding()
}

/** Compiles the facade; says whether its declarations are those that are checked in. */
export function buildFacade() {
  const sources = [...filesBelow('lib').filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))]
  const inputs = digest([
    ...sources,
    ...['index.ts', 'tsconfig.json', 'native.d.cts'].map((file) => join(root, file)),
  ])
  const results = [...sources, join(root, 'index.ts')].map((file) => file.replace(/\.ts$/, '.js'))
  once(join(root, 'node_modules', '.cache', 'actor-sqlite', 'facade'), inputs, results, () => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    if (!show(process.execPath, [tsc, '-p', 'tsconfig.json'])) fail('The facade does not compile.')
  })
}

/** Everything that is needed to import the package from this directory. */
export async function build() {
  checkToolchain()
  installPackages()
  buildAddon()
  await buildBinding()
  buildFacade()
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await build()
