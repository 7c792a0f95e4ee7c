import { leaseRowIdWorker } from '@tributary/database'
import { channelName, createRowIds } from '@tributary/events'
import { confirmParkedConsent, discardParkedConsent, listParkedConsents } from '@tributary/ingest'
import type { Command } from 'commander'
import { parseList } from '../arguments.ts'
import { commandLogger } from '../command-logger.ts'
import { CommandError } from '../failure.ts'
import { printLine, printRows } from '../output.ts'
import { type LogAccess, withHistory } from '../setting-up.ts'
import { checkSpiCodes } from '../spi-codes.ts'

/** `tributary consent list|confirm|discard`: consents that count only once somebody has confirmed them. */
export function addConsentCommands(program: Command): void {
  const consent = program
    .command('consent')
    .description(
      "consents that wait for somebody to confirm them: begun in a marketplace's own store, or for a shop that is known, without proof that it is its own",
    )
  consent
    .command('list')
    .description('every consent that waits, and which shops it is for')
    .option('--json', 'one JSON object a line')
    .action((options, command: Command) =>
      withHistory(command, async (access) => {
        const consents = await listParkedConsents(access)
        printRows(
          consents.map(({ id, channel, appId, reason, sellers, time }) => ({
            ...{ id, channel: channelName(channel), app: appId, reason, since: new Date(time).toISOString() },
            sellers: sellers.map(({ sellerId, sellerName }) => `${sellerName || '?'} (${sellerId})`).join(', '),
          })),
          options,
        )
      }),
    )
  consent
    .command('confirm')
    .description('connect the shops of a consent; their orders are read from then on')
    .argument('<consent>', 'its id, as the list shows it')
    .option('--spi <codes>', 'server codes of who gets the orders, joined by commas', parseList)
    .action((id: string, options: { spi?: string[] }, command: Command) =>
      withHistory(command, (access) => confirm(access, id, options.spi)),
    )
  consent
    .command('discard')
    .description('forget a consent; the seller may begin another')
    .argument('<consent>', 'its id, as the list shows it')
    .action((id: string, _options, command: Command) =>
      withHistory(command, async (access) => {
        if (!(await discardParkedConsent(access, id))) throw unknown(id)
        printLine(`Consent ${id} is forgotten.`)
      }),
    )
}

async function confirm(access: LogAccess, id: string, codes: string[] | undefined): Promise<void> {
  const { database, configuration } = access
  if (codes) await checkSpiCodes(database, codes)
  const worker = await leaseRowIdWorker(database, { logger: commandLogger(configuration) })
  try {
    const rowIds = createRowIds(worker)
    const consent = await confirmParkedConsent({ ...access, rowIds }, id, codes ?? null)
    if (!consent) throw unknown(id)
    printLine(`Connected: ${consent.sellers.map(({ sellerId }) => sellerId).join(', ')}. It shows within seconds.`)
  } finally {
    await worker.release()
  }
}

const unknown = (id: string): CommandError =>
  new CommandError('CONSENT_UNKNOWN', `No consent '${id}' waits. See: tributary consent list`)
