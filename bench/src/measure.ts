/** Timing and tables of the benchmarks. */

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5)
}

export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

/** Milliseconds that `work` takes. */
export async function timeMs(work: () => unknown): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** Bytes that no codec makes smaller: the worst case for a store that compresses. */
export function randomBytes(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  let x = seed | 1
  for (let i = 0; i < words.length; i += 1) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    words[i] = x
  }
  return new Uint8Array(words.buffer, 0, length)
}

export interface Result {
  readonly test: string
  readonly unit: string
  /** By peer: the median, and what else is worth knowing. */
  readonly peers: Record<string, string>
}

export function printTable(title: string, peers: readonly string[], results: readonly Result[]): void {
  console.log(`\n### ${title}\n`)
  console.log(`| test | unit | ${peers.join(' | ')} |`)
  console.log(`|---|---|${peers.map(() => '---:').join('|')}|`)
  for (const { test, unit, peers: values } of results) {
    console.log(`| ${test} | ${unit} | ${peers.map((peer) => values[peer] ?? '—').join(' | ')} |`)
  }
}
