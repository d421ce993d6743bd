/** The shortest use: one actor, one table, closed at the end of the block. */
import { openDatabase } from 'actor-sqlite'

await using db = await openDatabase('notes', { store: './data' })
await db.exec('CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT')

const text = process.argv.slice(2).join(' ')
if (text !== '') await db.sql.run`INSERT INTO note (text) VALUES (${text})`

for await (const note of db.iterate<{ id: number; text: string }>('SELECT id, text FROM note ORDER BY id')) {
  console.log(`${note.id}. ${note.text}`)
}
