/** All commands, in the order of the help. */

import type { Command } from '../command.js'
import { bench } from './bench.js'
import { compact } from './compact.js'
import { deleteCommand } from './delete.js'
import { exec } from './exec.js'
import { exportCommand } from './export.js'
import { helpFor } from './help.js'
import { importCommand } from './import.js'
import { list } from './list.js'
import { query } from './query.js'
import { shell } from './shell.js'
import { stat } from './stat.js'
import { verify } from './verify.js'

export const COMMANDS: readonly Command[] = [
  shell,
  exec,
  query,
  list,
  stat,
  importCommand,
  exportCommand,
  verify,
  compact,
  deleteCommand,
  bench,
  helpFor(() => COMMANDS),
]
