/**
 * `npm start`: a host of actors on the embedded store. It loads the cities of the world into one
 * actor per country, queries them, runs thousands of small actors of which few are awake, is
 * killed in the middle of writing, comes back, and shows its metrics. Run again, it goes on from
 * the store it has.
 *
 *     npm start -- [--store DIR] [--actors N] [--kills N]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { openStorage, type Storage } from 'actor-sqlite'
import { type City, citiesByCountry, countryActor, load, migrate } from './cities.js'
import { bold, count, dim, green, heading, ms, Progress, red, table } from './console.js'
import { ActorHost } from './host.js'
import { AcknowledgementLog, checkLedger, ledgerActor, migrateLedger } from './ledger.js'
import { showMetrics } from './metrics.js'

const LEDGERS = 32

interface Options {
  readonly store: string
  readonly actors: number
  readonly kills: number
}

/** The command line, or one line that says what is wrong with it. */
function readOptions(): Options {
  const natural = (name: string, text: string) => {
    if (!/^\d+$/.test(text)) throw new Error(`--${name} takes a whole number, not '${text}'`)
    return Number(text)
  }
  try {
    const { values } = parseArgs({
      options: {
        store: { type: 'string', default: './data' },
        actors: { type: 'string', default: '5000' },
        kills: { type: 'string', default: '3' },
      },
    })
    const { store, actors, kills } = values
    return { store, actors: natural('actors', actors), kills: natural('kills', kills) }
  } catch (error) {
    console.error(
      `${error instanceof Error ? error.message : error}\nusage: npm start -- [--store DIR] [--actors N] [--kills N]`,
    )
    process.exit(2)
  }
}

async function loadCountries(storage: Storage, countries: Map<string, City[]>): Promise<void> {
  const total = [...countries.values()].reduce((n, cities) => n + cities.length, 0)
  heading(`1. ${count(total)} cities into ${countries.size} actors, one per country`)
  const host = new ActorHost(storage, 64, migrate)
  const progress = new Progress('loading', total)
  let done = 0
  let fresh = 0
  const queue = [...countries]
  const worker = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const [country, cities] = next
      const added = await host.tell(countryActor(country), (db) => load(db, cities))
      fresh += added
      done += cities.length
      progress.update(done)
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  await host.close()
  const took = progress.done()
  if (fresh === 0) console.log(`  all there already, checked in ${ms(took)}: this store has been used before`)
  else
    console.log(
      `  ${count(fresh)} rows with full-text and spatial index in ${ms(took)}, ${count(fresh / (took / 1000))} rows/s`,
    )
}

async function queryCountries(storage: Storage, countries: Map<string, City[]>): Promise<void> {
  heading('2. Questions to the actors')
  const host = new ActorHost(storage, 64, migrate)
  const ask = async <T>(
    label: string,
    actors: readonly string[],
    sql: string,
    ...args: (string | number)[]
  ) => {
    const started = performance.now()
    const answers = await Promise.all(
      actors.map((country) => host.tell(countryActor(country), (db) => db.all<T>(sql, ...args))),
    )
    console.log(
      `  ${label} ${dim(`${actors.length} actor${actors.length === 1 ? '' : 's'}, ${ms(performance.now() - started)}`)}`,
    )
    return answers.flatMap((rows, i) => rows.map((row) => ({ ...row, country: actors[i] ?? '' })))
  }
  const everybody = [...countries.keys()]

  const saints = await ask<{ name: string; population: number }>(
    'full-text: places named San… or Saint… with 300,000 people or more',
    everybody,
    `SELECT name, population FROM city WHERE population >= 300000
     AND id IN (SELECT rowid FROM city_name WHERE city_name MATCH 'san OR saint OR sankt OR são')`,
  )
  saints.sort((a, b) => b.population - a.population)
  table(
    ['city', 'country', 'people'],
    saints.slice(0, 5).map((c) => [c.name, c.country, c.population]),
  )

  const sums = await ask<{ cities: number; people: number; largest: string }>(
    'aggregate: people in cities, by country',
    everybody,
    'SELECT count(*) AS cities, sum(population) AS people, (SELECT name FROM city ORDER BY population DESC LIMIT 1) AS largest FROM city',
  )
  sums.sort((a, b) => b.people - a.people)
  table(
    ['country', 'cities', 'people', 'largest'],
    sums.slice(0, 5).map((c) => [c.country, c.cities, c.people, c.largest]),
  )

  const near = await ask<{ name: string; population: number }>(
    'spatial: the largest places within a degree of 52.5° N, 13.4° E',
    ['DE'],
    `SELECT name, population FROM city WHERE id IN (SELECT id FROM city_place
     WHERE west >= ? AND east <= ? AND south >= ? AND north <= ?) ORDER BY population DESC LIMIT 3`,
    12.4,
    14.4,
    51.5,
    53.5,
  )
  table(
    ['city', 'people'],
    near.map((c) => [c.name, c.population]),
  )
  await host.close()
}

async function manyActors(storage: Storage, actors: number): Promise<void> {
  heading(`3. ${count(actors)} small actors, at most 64 of them awake`)
  const host = new ActorHost(storage, 64, async (db) => {
    await db.exec('CREATE TABLE IF NOT EXISTS visit (at INTEGER NOT NULL, who TEXT NOT NULL) STRICT')
  })
  const progress = new Progress('messages', actors)
  let done = 0
  let next = 0
  const worker = async () => {
    for (let n = next++; n < actors; n = next++) {
      await host.tell(`session/${n}`, (db) =>
        db.run('INSERT INTO visit VALUES (?, ?)', Date.now(), `visitor ${n}`),
      )
      done += 1
      progress.update(done)
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  const took = progress.done()

  const started = performance.now()
  const visits = await host.tell('session/0', (db) => db.pluck<number>('SELECT count(*) FROM visit'))
  const woke = performance.now() - started
  await host.close()
  console.log(
    `  ${count(actors)} durable writes to as many actors in ${ms(took)}: ${count(host.wakes)} wakes, ${count(host.hibernations)} hibernations`,
  )
  console.log(
    `  session/0 woke in ${ms(woke)} and remembers ${count(visits ?? 0)} visit${visits === 1 ? '' : 's'}`,
  )
}

/** Runs a host in a child process, kills it with SIGKILL, and returns what it had acknowledged. */
async function killedHost(store: string, run: number): Promise<number[]> {
  const log = new AcknowledgementLog(LEDGERS)
  const child = fork(new URL('./writer.js', import.meta.url), [store, String(LEDGERS), String(run)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', log.fd],
  })
  await once(child, 'message')
  await new Promise((resolve) => setTimeout(resolve, 700 + Math.random() * 600))
  child.kill('SIGKILL')
  await once(child, 'exit')
  return log.close()
}

async function killAndRecover(store: string, kills: number): Promise<boolean> {
  heading(`4. kill -9 in the middle of writing, ${kills} times, ${LEDGERS} actors writing at once`)
  let sound = true
  for (let run = 1; run <= kills; run += 1) {
    const before = await lastEntries(store)
    const acknowledged = (await killedHost(store, run)).map((entry, i) => Math.max(entry, before[i] ?? 0))
    const started = performance.now()
    const storage = await openStorage({ store })
    const opened = performance.now() - started
    let lost = 0
    let extra = 0
    let torn = 0
    for (const [actor, entry] of acknowledged.entries()) {
      const db = await storage.open(ledgerActor(actor))
      const check = await checkLedger(db, entry)
      await db.close()
      lost += Math.max(0, entry - check.last)
      extra += Math.max(0, check.last - entry)
      torn += check.wrong.length
      for (const reason of check.wrong) console.log(red(`  ledger/${actor}: ${reason}`))
    }
    await storage.close()
    sound &&= lost + torn === 0
    const written = acknowledged.reduce((sum, entry, i) => sum + entry - (before[i] ?? 0), 0)
    const verdict =
      lost + torn === 0 ? green('0 lost, 0 torn') : red(`${count(lost)} lost, ${count(torn)} torn`)
    console.log(
      `  kill ${run}: ${count(written)} transactions acknowledged, ${verdict}; ` +
        `${count(extra)} done but not yet acknowledged; store open again in ${ms(opened)}`,
    )
  }
  return sound
}

/** Where each ledger stands before a host is started and killed. */
async function lastEntries(store: string): Promise<number[]> {
  await using storage = await openStorage({ store })
  // Awaited here: the store is closed when this block is left.
  return await Promise.all(
    Array.from({ length: LEDGERS }, async (_, actor) => {
      await using db = await storage.open(ledgerActor(actor))
      await migrateLedger(db)
      return (await db.pluck<number>('SELECT coalesce(max(id), 0) FROM entry')) ?? 0
    }),
  )
}

async function main(): Promise<void> {
  const started = performance.now()
  const { store, actors, kills } = readOptions()
  console.log(`${bold('actor-sqlite')}: a private SQLite for each actor, all of them in ${bold(store)}`)

  const countries = citiesByCountry()
  const storage = await openStorage({ store })
  await loadCountries(storage, countries)
  await queryCountries(storage, countries)
  await manyActors(storage, actors)
  showMetrics(storage)
  await storage.close()

  const sound = await killAndRecover(store, kills)
  const took = dim(`${ms(performance.now() - started)} in all; run it again and it goes on from ${store}`)
  console.log(
    `\n${sound ? green('Nothing acknowledged was lost.') : red('Something was lost: see above.')} ${took}`,
  )
  if (!sound) process.exitCode = 1
}

await main()
