import { resolve } from 'node:path'
import {
  archivedPartitions,
  asOnlyWriter,
  emptyPositions,
  exportKeys,
  exportLog,
  INDEXED_TOPICS,
  restoreKeys,
  restoreLog,
} from '@tributary/history'
import type { Command } from 'commander'
import { printLine } from '../output.ts'
import { createProgressBar } from '../progress-bar.ts'
import { type LogAccess, withHistory } from '../setting-up.ts'

/** `tributary export` and `restore`: the log as files, for backup and for a new place. */
export function addArchiveCommands(program: Command): void {
  program
    .command('export')
    .description('write the log into files below a folder; run again, it adds what has come since')
    .requiredOption('--to <folder>', 'where the archive is or will be')
    .option('--with-keys', 'the data keys as well, wrapped by the master key; such a copy must not outlive an erasure')
    .action((options, command: Command) =>
      withHistory(command, async ({ log, database, signal }) => {
        const folder = resolve(options.to)
        await asOnlyWriter(database, folder, async () => {
          const bar = createProgressBar({ label: 'export', unit: 'events' })
          const exporting = exportLog({ log, topics: INDEXED_TOPICS, folder, signal, onProgress: bar.update })
          const manifest = await exporting.finally(bar.end)
          const { segments } = manifest
          const events = segments.reduce((sum, segment) => sum + segment.events, 0)
          const keys = options.withKeys ? `, ${await exportKeys(database, folder)} data keys` : ''
          printLine(`The archive in ${folder} holds ${events} events in ${segments.length} files${keys}.`)
          const empty = emptyPositions(manifest)
          if (empty > 0)
            process.stderr.write(
              `${empty} positions hold no event: the log had let go of what stood there, or nothing ever did. What it let go of is in no backup; see docs/kafka.md.\n`,
            )
        })
      }),
    )
  program
    .command('restore')
    .description('append the events of an archive to an empty log and compare; run again, it goes on where it was')
    .requiredOption('--from <folder>', 'the folder of an export')
    .option('--with-keys', 'put the data keys of the archive into the vault first')
    .action(async (options, command: Command) => {
      const folder = resolve(options.from)
      const partitions = await archivedPartitions(folder)
      const work = async ({ log, database, signal }: LogAccess) => {
        if (options.withKeys) printLine(`${await restoreKeys(database, folder)} data keys are in the vault.`)
        const bar = createProgressBar({ label: 'restore', unit: 'events' })
        const restoring = restoreLog({ log, folder, signal, onProgress: bar.update })
        const { events, appended, partitions, unfinished } = await restoring.finally(bar.end)
        printLine(
          `The log holds all ${events} events of the archive, ${appended} of them new, in ${partitions} partitions; count and content are equal.`,
        )
        if (!unfinished) return
        process.stderr.write('The export did not come to its end: the log that it is of held more than this archive.\n')
        process.exitCode = 1
      }
      // A log that is made by this is made as that of the archive was, whatever is configured: it could not be made anew.
      await withHistory(command, work, { partitions })
    })
}
