import { constants } from 'node:os'
import type { Command } from 'commander'
import { wordsOf } from './what-commands-do.ts'

/** How a shell sees a program that writes to nobody: ended by SIGPIPE, which Node does not let happen by itself. */
export const UNHEARD = 128 + constants.signals.SIGPIPE

/**
 * Commands that are called for what they do. When nobody reads what they say, as behind `| head`, they go on to their end, and their
 * exit code is that of the work; to stop half-way and call that done would be a lie. All others have then said enough.
 */
const WORK: ReadonlySet<string> = new Set([
  ...['migrate', 'replay', 'rebuild', 'export', 'restore', 'import', 'log copy'],
  ...['vault rewrap', 'vault erase-again', 'wework reconcile'],
])

let isWork = false

/** Notes which command this process runs. */
export function noteCommand(command: Command): void {
  isWork = WORK.has(wordsOf(command))
}

/** Whether the command that runs is to go on though nobody reads what it says. */
export const goesOnUnheard = (): boolean => isWork
