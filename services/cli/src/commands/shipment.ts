import {
  findShipment,
  listShipments,
  retryShipments,
  SHIPMENT_STATES,
  type Shipment,
  type ShipmentState,
  shipmentsOf,
} from '@tributary/shipping'
import { type Command, Option } from 'commander'
import { parseCount } from '../arguments.ts'
import { CommandError } from '../failure.ts'
import { noteMore, printable, printLine, printRows } from '../output.ts'
import { withDatabase } from '../setting-up.ts'
import { recordChange } from '../what-commands-do.ts'
import { orderText, type WhichOrdersOptions, whichOrders, withWhichOrders } from '../which-orders.ts'

const NAMED = ['<shipment>', 'its id, as the list shows it'] as const

type ListOptions = WhichOrdersOptions & { state?: ShipmentState; limit: number; cursor?: string; json?: boolean }

/** `tributary shipment list|show|retry`: packages that marketplaces are told of (docs/api.md asks for them). */
export function addShipmentCommands(program: Command): void {
  const shipment = program.command('shipment').description('packages that marketplaces are told of, once each')
  withWhichOrders(
    shipment
      .command('list')
      .description('where they stand and why, the newest first; parked ones need a person, refused ones are over')
      .addOption(new Option('--state <state>', 'only these').choices(SHIPMENT_STATES)),
  )
    .option('--limit <count>', 'at most so many', parseCount, 100)
    .option('--cursor <shipment>', 'go on behind this one, the last of the list before')
    .option('--json', 'one JSON object a line')
    .action((options: ListOptions, command: Command) => list(command, options))
  shipment
    .command('show')
    .description('one of them whole: what is in it, the last reason, the next try, and which one it waits behind')
    .argument(...NAMED)
    .option('--json', 'one JSON object')
    .action((shipmentId: string, options, command: Command) => show(command, shipmentId, options))
  shipment
    .command('retry')
    .description('try a shipment now that waits or is parked')
    .argument(...NAMED)
    .action((shipmentId: string, _options, command: Command) => retry(command, shipmentId))
}

async function list(command: Command, options: ListOptions): Promise<void> {
  const { state, limit, cursor } = options
  const rows = await withDatabase(command, async (database) => {
    if (cursor !== undefined && !(await findShipment(database, cursor))) throw unknown(cursor)
    return await listShipments(database, {
      ...whichOrders(options),
      limit,
      ...(state === undefined ? {} : { state }),
      ...(cursor === undefined ? {} : { after: cursor }),
    })
  })
  printRows(rows.map(rowOf), options)
  noteMore(
    rows.map(({ shipmentId }) => shipmentId),
    options,
  )
}

const iso = (time: number | null): string => (time === null ? '' : new Date(time).toISOString())

const reasonOf = ({ answer, lastError }: Shipment): string =>
  printable(answer?.kind === 'refused' ? `${answer.code}: ${answer.detail}` : lastError)

const rowOf = (row: Shipment) => {
  const { shipmentId, channel, sellerId, orderId, state, parcel, attempts } = row
  return {
    ...{ shipmentId, channel, sellerId, orderId, state, trackingNumber: parcel.trackingNumber, attempts },
    reason: reasonOf(row),
    requested: iso(row.requestedTime),
    settled: iso(row.settledTime),
  }
}

async function show(command: Command, shipmentId: string, { json }: { json?: boolean }): Promise<void> {
  const { shipment, before } = await withDatabase(command, async (database) => {
    const found = await findShipment(database, shipmentId)
    if (!found) throw unknown(shipmentId)
    const [firstOpen] = (await shipmentsOf(database, found)).filter(isOpen)
    return { shipment: found, before: isOpen(found) && firstOpen?.shipmentId !== shipmentId ? firstOpen : undefined }
  })
  const { parcel, answer, attempts, requestedBy, nextTime } = shipment
  const confirmed = answer?.kind === 'confirmed' ? answer : undefined
  const shown = {
    ...{ shipment: shipmentId, order: orderText(shipment), state: shipment.state, reason: reasonOf(shipment) },
    ...{ waitsBehind: before?.shipmentId ?? '', tries: attempts, next: iso(nextTime) },
    ...{ requested: iso(shipment.requestedTime), requestedBy, settled: iso(shipment.settledTime) },
    carrier: confirmed?.carrier ?? parcel.carrier,
    trackingNumber: confirmed?.trackingNumber ?? parcel.trackingNumber,
    fulfillmentId: confirmed?.fulfillmentId ?? '',
    shipped: iso(parcel.shippedTime),
  }
  if (json) return printLine(JSON.stringify({ ...shown, lines: parcel.lines }))
  const lines = parcel.lines.map(({ lineItemId, quantity }) => `${quantity} of ${lineItemId}`).join(', ')
  for (const [name, value] of Object.entries({ ...shown, lines }))
    if (value !== '') printLine(`${name.padEnd(14)}  ${printable(String(value))}`)
}

const isOpen = ({ state }: Shipment): boolean => state === 'waiting' || state === 'parked'

async function retry(command: Command, shipmentId: string): Promise<void> {
  await withDatabase(command, (database) =>
    database.transaction(async (connection) => {
      if ((await retryShipments(connection, { shipmentId }, Date.now())) === 0)
        throw new CommandError(
          'SHIPMENT_NOT_WAITING',
          'No such shipment waits after a try that did not work. See: tributary shipment list',
        )
      await recordChange(connection, command, shipmentId)
    }),
  )
  printLine(`It is tried within seconds. See: tributary shipment show ${shipmentId}`)
}

const unknown = (shipmentId: string): CommandError =>
  new CommandError('SHIPMENT_UNKNOWN', `There is no shipment '${shipmentId}'. See: tributary shipment list`)
