/** Dot commands that read and write files. */

import { exportFile } from '../commands/export.js'
import { importFile } from '../commands/import.js'
import { usage } from '../failure.js'
import { type DotCommand, needed } from './dot-command.js'
import { wordsAndOptions } from './words.js'

export const transfers: readonly DotCommand[] = [
  {
    name: 'import',
    usage: 'file [table] [--csv] [--skip n]',
    help: 'load a file; see help import for what else it takes',
    async run({ context, db, signal }, args) {
      const { words, options } = wordsAndOptions(args, ['format', 'skip', 'types', 'separator'], ['csv'])
      if (options['csv'] === true) options['format'] = 'csv'
      if (words[1] !== undefined) options['table'] = words[1]
      context.note(await importFile({ ...context, options, signal }, db, needed(words, 0, 'file')))
    },
  },
  {
    name: 'export',
    usage: 'file [table] [--overwrite]',
    help: 'write the database, or a table of it, to a file',
    async run({ context, db, signal }, args) {
      const { words, options } = wordsAndOptions(args, ['format', 'query'], ['overwrite'])
      if (words[1] !== undefined) options['table'] = words[1]
      const file = needed(words, 0, 'file')
      if (file === '-') throw usage('.export writes to a file; .dump prints')
      context.note(await exportFile({ ...context, options, signal }, db, file))
    },
  },
  {
    name: 'read',
    usage: 'file',
    help: 'run a file of statements and dot commands',
    async run(shell, args) {
      await shell.readFile(needed(args, 0, 'file'))
    },
  },
  {
    name: 'output',
    usage: '[file]',
    help: 'send results to a file, or back to the screen',
    async run(shell, [path]) {
      await shell.redirect(path, false)
    },
  },
  {
    name: 'once',
    usage: 'file',
    help: 'send the next result to a file',
    async run(shell, args) {
      await shell.redirect(needed(args, 0, 'file'), true)
    },
  },
]
