/**
 * Chat rooms, one actor each: many members post at once, each message and its counters in one
 * transaction, every room with a database of its own and all rooms in one store.
 */
import { type Database, openStorage } from 'actor-sqlite'

const ROOMS = ['lobby', 'music', 'cooking']

async function openRoom(db: Database): Promise<Database> {
  await db.exec(`
    CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, author TEXT NOT NULL, text TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS author (name TEXT PRIMARY KEY, messages INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `)
  return db
}

/** Posts a message; the promise settles when it is on disk. */
async function post(room: Database, author: string, text: string): Promise<number> {
  return room.transaction(async (tx) => {
    const { lastInsertRowid } = await tx.run('INSERT INTO message (author, text) VALUES (?, ?)', author, text)
    await tx.run(
      'INSERT INTO author VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET messages = messages + 1',
      author,
    )
    return Number(lastInsertRowid)
  })
}

await using storage = await openStorage({ store: './data' })
const rooms = await Promise.all(ROOMS.map(async (name) => openRoom(await storage.open(`room/${name}`))))

// Nine members talk at once: the posts to one room take turns, the rooms share each fsync.
await Promise.all(
  rooms.flatMap((room, r) =>
    ['ada', 'grace', 'edsger'].map(async (author) => {
      for (let n = 1; n <= 5; n += 1) await post(room, author, `message ${n} to ${ROOMS[r]}`)
    }),
  ),
)

for (const [r, room] of rooms.entries()) {
  const authors = await room.all<{ name: string; messages: number }>(
    'SELECT name, messages FROM author ORDER BY name',
  )
  console.log(`${ROOMS[r]}: ${authors.map((a) => `${a.name} ${a.messages}`).join(', ')}`)
  await room.close()
}
