import { listParked, requeue, skip } from '@tributary/consumer'
import type { Command } from 'commander'
import { parsePosition } from '../arguments.ts'
import { CommandError } from '../failure.ts'
import { printLine, printRows } from '../output.ts'
import { withDatabase } from '../setting-up.ts'

/** `tributary parked list|requeue|skip`: keys whose events wait because one of them cannot be applied. */
export function addParkedCommands(program: Command): void {
  addParkedSubcommands(
    program.command('parked').description('keys whose events wait because one of them could not be applied'),
    'list',
  )
}

/** The commands about parked keys, below one that is about them alone or about projections; `list` names the first. */
export function addParkedSubcommands(parked: Command, list: 'list' | 'parked'): void {
  parked
    .command(list)
    .description('every parked key, why, and how many events wait behind it')
    .option('--consumer <name>', 'only this consumer')
    .option('--json', 'one JSON object a line')
    .action(async (options, command: Command) => {
      const keys = await withDatabase(command, (database) =>
        listParked(database, options.consumer ? { consumer: options.consumer } : {}),
      )
      printRows(
        keys.map(({ parkedTime, ...key }) => ({ ...key, parkedTime: new Date(parkedTime).toISOString() })),
        options,
      )
    })
  parked
    .command('requeue')
    .description('apply the events of a key again, in order; do this after mending the cause')
    .argument('<consumer>', 'as `parked list` shows it')
    .argument('<key>', 'as `parked list` shows it')
    .action(async (consumer: string, key: string, _options, command: Command) => {
      const outcome = await withDatabase(command, (database) => requeue(database, consumer, key))
      if (outcome === 'not-parked') throw unknownKey(consumer, key)
      printLine(`Key ${key} is queued again; the owner of its partition takes it within seconds. See: tributary parked list`)
    })
  parked
    .command('skip')
    .description('give one parked event up for good; recorded, and not undone')
    .argument('<consumer>', 'as `parked list` shows it')
    .argument('<key>', 'as `parked list` shows it')
    .argument('<position>', 'position of the event', parsePosition)
    .requiredOption('--yes', 'yes, its effects will be missing')
    .action(async (consumer: string, key: string, position: number, _options, command: Command) => {
      const outcome = await withDatabase(command, (database) => skip(database, consumer, key, position))
      if (outcome === 'not-waiting') throw unknownKey(consumer, key)
      printLine(
        `The event at position ${position} is skipped. Now requeue the key: tributary parked requeue ${consumer} ${key}`,
      )
    })
}

function unknownKey(consumer: string, key: string): CommandError {
  return new CommandError(
    'KEY_NOT_PARKED',
    `Consumer '${consumer}' has nothing parked for '${key}'. See: tributary parked list`,
  )
}
