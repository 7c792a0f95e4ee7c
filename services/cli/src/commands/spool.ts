import { lookAtSpool, retrySpool } from '@tributary/ingest'
import type { Command } from 'commander'
import { parseCount } from '../arguments.ts'
import { CommandError } from '../failure.ts'
import { printLine, printRows } from '../output.ts'
import { configurationFor } from '../setting-up.ts'

/** `tributary spool list|retry`: what ingest has on its own disk. They look at the folder, so they run where ingest does. */
export function addSpoolCommands(program: Command): void {
  const spool = program.command('spool').description('what ingest keeps on its own disk while the log is away')
  spool
    .command('list')
    .description('how much waits for the log, and what was set aside because it could not be kept, with the reason')
    .option('--json', 'what was set aside, one JSON object a line')
    .action(async (options, command: Command) => {
      const { figures, setAside } = lookAtSpool(await folderOf(command))
      const { waiting, bytes, oldestTime } = figures
      if (!options.json)
        printLine(
          `${waiting} wait for the log, ${bytes} bytes${oldestTime === null ? '' : `, the oldest since ${textOf(oldestTime)}`}. Set aside:`,
        )
      printRows(
        setAside.map(({ id, kind, receivedTime, setAsideTime, reason }) => ({
          ...{ id, kind, received: textOf(receivedTime), setAside: textOf(setAsideTime), reason },
        })),
        options,
      )
    })
  spool
    .command('retry')
    .description('try what was set aside again, before all that came later; do this after mending the cause')
    .option('--id <number>', 'only this one, as `spool list` shows it', parseCount)
    .action(async (options, command: Command) => {
      const retried = retrySpool(await folderOf(command), options.id)
      if (retried === 0)
        throw new CommandError('SPOOL_NOTHING_SET_ASIDE', 'No such thing is set aside. See: tributary spool list')
      printLine(`${retried} will be tried again by ingest within seconds. See: tributary spool list`)
    })
}

async function folderOf(command: Command): Promise<string> {
  const { ingest } = await configurationFor(command)
  if (ingest.spool) return ingest.spool.folder
  throw new CommandError('SPOOL_OFF', 'There is no spool: tributary.ingest.spool.folder is not set.')
}

const textOf = (time: number): string => new Date(time).toISOString()
