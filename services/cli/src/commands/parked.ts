import { countParked, listParked, readWaiting, requeue, skip } from '@tributary/consumer'
import type { Connection } from '@tributary/database'
import type { Command } from 'commander'
import { parseCount, parsePosition } from '../arguments.ts'
import { CommandError } from '../failure.ts'
import { counted, printable, printLine, printRows } from '../output.ts'
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
  const words = `${parked.name()} ${list}`
  const listed = `as \`${words}\` shows it`
  parked
    .command('requeue')
    .description('apply the events of a key again, in order; do this after mending the cause')
    .argument('<consumer>', listed)
    .argument('<key>', listed)
    .action(async (consumer: string, key: string, _options, command: Command) => {
      const waiting = await withDatabase(command, (database) =>
        database.transaction((connection) =>
          asNamed(connection, { consumer, key, words }, async (name, positions) => {
            await requeue(connection, consumer, name)
            await recordChange(connection, command, `${consumer} ${name}`)
            return positions.length
          }),
        ),
      )
      printLine(
        `Key ${key} is queued again, with ${counted(waiting, 'event')}; the owner of its partition takes it within seconds. See: tributary ${words}`,
      )
    })
  parked
    .command('skip')
    .description('give one parked event up for good; recorded, and not undone')
    .argument('<consumer>', listed)
    .argument('<key>', listed)
    .argument('<position>', 'position of the event', parsePosition)
    .requiredOption('--yes', 'yes, its effects will be missing')
    .action(async (consumer: string, key: string, position: number, _options, command: Command) => {
      const left = await withDatabase(command, (database) =>
        database.transaction((connection) =>
          asNamed(connection, { consumer, key, words }, async (name, positions) => {
            if ((await skip(connection, consumer, name, position)) === 'not-waiting')
              throw new CommandError(
                'EVENT_NOT_PARKED',
                `Of the key '${key}' no event waits at position ${position}; those that wait stand at ${positions.slice(0, 10).join(', ')}${positions.length > 10 ? ', …' : ''}.`,
              )
            await recordChange(connection, command, `${consumer} ${name} ${position}`)
            return positions.length - 1
          }),
        ),
      )
      printLine(
        `The event at position ${position} is skipped, with ${counted(left, 'event')} of its key left. Now requeue the key: tributary ${parked.name()} requeue ${consumer} '${key}'`,
      )
    })
}

type ListOptions = { consumer?: string; limit: number; json?: boolean }

const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0)

/**
 * Does something to the key that a person means: written as the list shows it, or with the ids as the marketplace writes them, in which
 * what a key cannot hold plainly is percent-encoded; `words` call the list. Throws CommandError KEY_NOT_PARKED.
 */
async function asNamed<T>(
  connection: Connection,
  { consumer, key, words }: { consumer: string; key: string; words: string },
  act: (name: string, positions: readonly number[]) => Promise<T>,
): Promise<T> {
  for (const name of new Set([key, key.split(':').map(encodeURIComponent).join(':')])) {
    const positions = await readWaiting(connection, consumer, name)
    if (positions) return await act(name, positions)
  }
  throw new CommandError('KEY_NOT_PARKED', `Consumer '${consumer}' has nothing parked for '${key}'. See: tributary ${words}`)
}
