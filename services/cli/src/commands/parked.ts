import { countParked, listParked, requeue, skip } from '@tributary/consumer'
import type { Command } from 'commander'
import { parseCount, parsePosition } from '../arguments.ts'
import { CommandError } from '../failure.ts'
import { printable, printLine, printRows } from '../output.ts'
import { withDatabase } from '../setting-up.ts'
import { recordChange } from '../what-commands-do.ts'

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
    .option('--limit <count>', 'at most so many, those that were parked first', parseCount, 1_000)
    .option('--json', 'one JSON object a line')
    .action(async (options: ListOptions, command: Command) => {
      const { keys, all } = await withDatabase(command, async (database) => ({
        keys: await listParked(database, options),
        all: await countParked(database),
      }))
      printRows(
        keys.map(({ parkedTime, error, ...key }) => ({
          ...key,
          error: printable(error),
          parkedTime: new Date(parkedTime).toISOString(),
        })),
        options,
      )
      const count = options.consumer === undefined ? sum(all.values()) : (all.get(options.consumer) ?? 0)
      if (keys.length < count) process.stderr.write(`These are the first ${keys.length} of ${count}: --limit\n`)
    })
  parked
    .command('requeue')
    .description('apply the events of a key again, in order; do this after mending the cause')
    .argument('<consumer>', 'as `parked list` shows it')
    .argument('<key>', 'as `parked list` shows it')
    .action(async (consumer: string, key: string, _options, command: Command) => {
      await withDatabase(command, (database) =>
        database.transaction(async (connection) => {
          const asked = await asNamed(key, async (name) => {
            if ((await requeue(connection, consumer, name)) === 'not-parked') return false
            await recordChange(connection, command, `${consumer} ${name}`)
            return true
          })
          if (!asked) throw unknownKey(consumer, key)
        }),
      )
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
      await withDatabase(command, (database) =>
        database.transaction(async (connection) => {
          const skipped = await asNamed(key, async (name) => {
            if ((await skip(connection, consumer, name, position)) === 'not-waiting') return false
            await recordChange(connection, command, `${consumer} ${name} ${position}`)
            return true
          })
          if (!skipped) throw unknownKey(consumer, key)
        }),
      )
      printLine(
        `The event at position ${position} is skipped. Now requeue the key: tributary parked requeue ${consumer} '${key}'`,
      )
    })
}

type ListOptions = { consumer?: string; limit: number; json?: boolean }

const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0)

/**
 * Does something to the key that a person means: written as the list shows it, or with the ids as the marketplace writes them, in which
 * what a key cannot hold plainly is percent-encoded. Answers whether it was done to either.
 */
async function asNamed(key: string, act: (name: string) => Promise<boolean>): Promise<boolean> {
  const encoded = key.split(':').map(encodeURIComponent).join(':')
  return (await act(key)) || (encoded !== key && (await act(encoded)))
}

function unknownKey(consumer: string, key: string): CommandError {
  return new CommandError(
    'KEY_NOT_PARKED',
    `Consumer '${consumer}' has nothing parked for '${key}'. See: tributary parked list`,
  )
}
