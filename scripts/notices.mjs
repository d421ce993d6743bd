/**
 * Writes THIRD_PARTY_NOTICES.md: what is inside the addon, and under which licenses.
 *
 *     node scripts/notices.mjs [--check]
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture, fail, root } from './project.mjs'

/** Code in other languages that crates bring along. */
const BUNDLED = [
  ['SQLite', 'libsqlite3-sys', 'public domain', 'https://sqlite.org/copyright.html'],
  ['RocksDB', 'librocksdb-sys', 'Apache-2.0 (or GPL-2.0)', 'https://github.com/facebook/rocksdb'],
]

function metadata() {
  const { ok, stdout, output } = capture('cargo', [
    'metadata',
    '--format-version',
    '1',
    '--locked',
    '--filter-platform',
    'x86_64-unknown-linux-gnu',
  ])
  if (!ok) fail(output)
  return JSON.parse(stdout)
}

/** The crates that are linked into the addon: normal dependencies, from the addon down. */
function linked({ packages, resolve }) {
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]))
  const byId = new Map(packages.map((it) => [it.id, it]))
  const seen = new Set()
  const visit = (id) => {
    if (seen.has(id)) return
    seen.add(id)
    for (const { pkg, dep_kinds } of nodes.get(id).deps) {
      const isMacro = byId.get(pkg).targets.some(({ kind }) => kind.includes('proc-macro'))
      if (!isMacro && dep_kinds.some(({ kind }) => kind === null)) visit(pkg)
    }
  }
  visit(packages.find(({ name }) => name === 'actor-sqlite-node').id)
  return [...seen].map((id) => byId.get(id)).filter(({ source }) => source !== null)
}

function text() {
  const crates = linked(metadata()).sort((a, b) => (a.name < b.name ? -1 : 1))
  const rows = crates.map(
    ({ name, version, license, repository }) =>
      `| ${name} ${version} | ${license ?? 'see its source'} | ${repository ?? ''} |`,
  )
  const bundled = BUNDLED.filter(([, crate]) => crates.some(({ name }) => name === crate))
  return `# Third-party notices

The native addon of this package contains the software below. Written by \`npm run notices\` from
\`Cargo.lock\`; the license texts are in the sources that the links lead to.

| bundled | license | source |
|---|---|---|
${bundled.map(([name, , license, link]) => `| ${name} | ${license} | ${link} |`).join('\n')}

| crate | license | source |
|---|---|---|
${rows.join('\n')}
`
}

const file = join(root, 'THIRD_PARTY_NOTICES.md')
const written = text()
if (!process.argv.includes('--check')) writeFileSync(file, written)
else if (!existsSync(file) || readFileSync(file, 'utf8') !== written)
  fail('THIRD_PARTY_NOTICES.md is stale: npm run notices')
