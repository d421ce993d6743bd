/** Dot commands that read and write files. */

import { type DotCommand, needed } from './dot-command.js'

export const transfers: readonly DotCommand[] = [
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
