/** Dot commands that show what is in the database. */

import { dump } from '../sql/dump.js'
import { indexNames, printNames, printSchema, tableNames } from '../sql/schema.js'
import type { DotCommand } from './dot-command.js'

/** A name with SQL's and the file system's wildcards. */
const likeOf = (pattern: string): string => pattern.replaceAll('*', '%').replaceAll('?', '_')

export const listings: readonly DotCommand[] = [
  {
    name: 'tables',
    usage: '[pattern]',
    help: 'list tables and views whose names are LIKE a pattern',
    async run({ target, out }, [pattern = '%']) {
      printNames(await tableNames(target, pattern), out.bytes)
    },
  },
  {
    name: 'indexes',
    usage: '[table]',
    help: 'list indexes, of one table or of all',
    async run({ target, out }, [table = '%']) {
      printNames(await indexNames(target, table), out.bytes)
    },
  },
  {
    name: 'schema',
    usage: '[pattern]',
    help: 'print the statements that made the schema',
    async run({ target, out }, [pattern = '%']) {
      await printSchema(target, likeOf(pattern), out.bytes)
    },
  },
  {
    name: 'dump',
    usage: '[pattern]',
    help: 'print the database as SQL',
    async run({ target, out }, [pattern = '%']) {
      await dump(target, { write: out.bytes, pause: () => out.ready() }, pattern)
    },
  },
  {
    name: 'databases',
    usage: '',
    help: 'say which database this is',
    run({ db, context, out }) {
      out.line(`main: ${context.store} ${db.name} ${db.readonly ? 'r/o' : 'r/w'}`)
    },
  },
  {
    name: 'print',
    usage: '[word…]',
    help: 'print words',
    run({ out }, args) {
      out.line(args.join(' '))
    },
  },
]
