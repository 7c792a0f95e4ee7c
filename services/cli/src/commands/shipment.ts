import { listShipments, retryShipments } from '@tributary/shipping'
import { type Command, Option } from 'commander'
import { parseCount } from '../arguments.ts'
import { CommandError } from '../failure.ts'
import { printLine, printRows } from '../output.ts'
import { withDatabase } from '../setting-up.ts'

/** `tributary shipment list|retry`: packages that marketplaces are told of (docs/api.md asks for them). */
export function addShipmentCommands(program: Command): void {
  const shipment = program.command('shipment').description('packages that marketplaces are told of, once each')
  shipment
    .command('list')
    .description('where they stand and why, the newest first')
    .addOption(new Option('--state <state>', 'only these').choices(['waiting', 'parked', 'confirmed', 'refused']))
    .option('--limit <count>', 'at most so many', parseCount, 100)
    .option('--json', 'one JSON object a line')
    .action(async (options, command: Command) => {
      const { state, limit } = options
      const rows = await withDatabase(command, (database) => listShipments(database, { state, limit }))
      printRows(
        rows.map(({ shipmentId, channel, sellerId, orderId, parcel, attempts, lastError, answer, ...row }) => ({
          ...{ shipmentId, channel, sellerId, orderId, state: row.state, trackingNumber: parcel.trackingNumber, attempts },
          reason: answer?.kind === 'refused' ? `${answer.code}: ${answer.detail}` : lastError,
          requested: new Date(row.requestedTime).toISOString(),
          settled: row.settledTime === null ? '' : new Date(row.settledTime).toISOString(),
        })),
        options,
      )
    })
  shipment
    .command('retry')
    .description('try a shipment now that waits or is parked')
    .argument('<shipment>', 'its id, as the list shows it')
    .action(async (shipmentId: string, _options, command: Command) => {
      const retried = await withDatabase(command, (database) => retryShipments(database, { shipmentId }, Date.now()))
      if (retried === 0)
        throw new CommandError(
          'SHIPMENT_NOT_WAITING',
          'No such shipment waits after a try that did not work. See: tributary shipment list',
        )
      printLine('It is tried within seconds.')
    })
}
