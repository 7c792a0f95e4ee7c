import { openEventLog } from '@tributary/event-log'
import { copyLog, INDEXED_TOPICS } from '@tributary/history'
import type { Command } from 'commander'
import { commandLogger } from '../command-logger.ts'
import { printLine } from '../output.ts'
import { createProgressBar } from '../progress-bar.ts'
import { readSecret } from '../secret-input.ts'
import { type LogAccess, withHistory } from '../setting-up.ts'

/** `tributary log copy`: moves to another log. */
export function addLogCommands(program: Command): void {
  const log = program.command('log').description('the log itself')
  log
    .command('copy')
    .description('copy the configured log into another one, every event to the same place; run again, it adds what came since')
    .requiredOption(
      '--to-file <file>',
      'a file with the address of the other log, as in TRIBUTARY_LOG_URL; - is standard input',
    )
    .option('--skip-comparison', 'do not read both logs whole at the end; for all runs but the last')
    .action((options, command: Command) =>
      withHistory(command, async (access) => {
        const url = await readSecret(options.toFile)
        await copy(access, url, options.skipComparison !== true)
      }),
    )
}

async function copy({ log, database, configuration, signal }: LogAccess, url: string, compare: boolean): Promise<void> {
  // Topics that are not there yet are made as ours are, whatever is configured by now.
  const [count, ...others] = new Set(await Promise.all(INDEXED_TOPICS.map((topic) => log.partitions(topic))))
  const partitions = count === undefined || others.length > 0 ? configuration.partitions : count
  const isMysql = /^mysql:/i.test(url)
  const logger = commandLogger(configuration)
  const to = await openEventLog({ url, partitions, logger, ...(isMysql ? {} : { database }) })
  const bar = createProgressBar({ label: 'copy', unit: 'events' })
  try {
    const {
      events,
      appended,
      partitions: copied,
    } = await copyLog({
      ...{ from: log, to, topics: INDEXED_TOPICS, signal, compare, onProgress: bar.update },
    }).finally(bar.end)
    const compared = compare ? '; count and content of both logs are equal' : ''
    printLine(`${events} events copied, ${appended} of them new, in ${copied} partitions${compared}.`)
  } finally {
    await to.close()
  }
}
