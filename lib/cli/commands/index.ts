/** All commands, in the order of the help. */

import type { Command } from '../command.js'
import { bench } from './bench.js'
import { exec } from './exec.js'
import { helpFor } from './help.js'
import { importCommand } from './import.js'
import { query } from './query.js'
import { shell } from './shell.js'
import { stat } from './stat.js'
import { verify } from './verify.js'

export const COMMANDS: readonly Command[] = [
  shell,
  exec,
  query,
  stat,
  importCommand,
  verify,
  bench,
  helpFor(() => COMMANDS),
]
