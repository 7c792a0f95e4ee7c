import {
  listOrderReads,
  ORDER_READ_STATES,
  type OrderReadPlace,
  type OrderReadRow,
  type OrderReadState,
  readOrderReadPlace,
  retryOrderReads,
  writeOrderReadPlace,
} from '@tributary/order-sync'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseCount } from '../arguments.ts'
import { CommandError, UsageError } from '../failure.ts'
import { noteMore, printable, printLine, printRows } from '../output.ts'
import { withDatabase } from '../setting-up.ts'
import { recordChange } from '../what-commands-do.ts'
import { orderText, type WhichOrdersOptions, whichOrders, withWhichOrders } from '../which-orders.ts'

type ListOptions = WhichOrdersOptions & { state?: OrderReadState; limit: number; cursor?: OrderReadPlace; json?: boolean }

/** `tributary order-read list|requeue`: orders that order-sync is to read at their marketplace, and those it cannot. */
export function addOrderReadCommands(program: Command): void {
  const orderRead = program
    .command('order-read')
    .description('orders that are to be read at their marketplace, and those that cannot be until a person acts')
  withWhichOrders(
    orderRead
      .command('list')
      .description('each with its state and the reason: parked ones first (they need a person), then the oldest')
      .addOption(
        new Option('--state <state>', 'only these; dropped ones were given up and are kept for 30 days').choices(
          ORDER_READ_STATES,
        ),
      ),
  )
    .option('--limit <count>', 'at most so many', parseCount, 100)
    .option('--cursor <text>', 'go on behind a row: its `cursor`, which --json shows and the end of a full list', parseCursor)
    .option('--json', 'one JSON object a line')
    .action((options: ListOptions, command: Command) => list(command, options))
  withWhichOrders(
    orderRead
      .command('requeue')
      .description('read now what is parked or waits for its next try; with --order also what was dropped'),
  ).action((options: WhichOrdersOptions, command: Command) => requeue(command, options))
}

async function list(command: Command, options: ListOptions): Promise<void> {
  const { state, limit, cursor } = options
  const rows = await withDatabase(command, (database) =>
    listOrderReads(database, {
      ...whichOrders(options),
      limit,
      ...(state === undefined ? {} : { state }),
      ...(cursor === undefined ? {} : { after: cursor }),
    }),
  )
  printRows(options.json ? rows.map(jsonOf) : rows.map(rowOf), options)
  noteMore(rows.map(writeOrderReadPlace), options)
}

const iso = (time: number): string => new Date(time).toISOString()

const rowOf = (row: OrderReadRow) => ({
  order: orderText(row),
  state: row.isInHand ? `${row.state}, being read` : row.state,
  since: iso(row.createdTime),
  tries: row.attempts,
  next: row.state === 'dropped' || row.isInHand ? '' : iso(row.dueTime),
  reason: printable(row.lastError),
})

const jsonOf = (row: OrderReadRow) => {
  const { channel, sellerId, orderId, state, origin, attempts, lastError, isInHand, createdTime, dueTime } = row
  return {
    ...{ channel, sellerId, orderId, state, isInHand, origin, attempts, reason: lastError, since: iso(createdTime) },
    next: state === 'dropped' || isInHand ? null : iso(dueTime),
    cursor: writeOrderReadPlace(row),
  }
}

function parseCursor(text: string): OrderReadPlace {
  const place = readOrderReadPlace(text)
  if (place) return place
  throw new InvalidArgumentError('Give the cursor of a row as the list before showed it.')
}

async function requeue(command: Command, options: WhichOrdersOptions): Promise<void> {
  const which = whichOrders(options)
  const parts = [which.channel, which.sellerId, which.orderId].filter((part) => part !== undefined)
  const target = `${['', 'channel', 'seller', 'order'][parts.length]} ${parts.join(':')}`
  if (parts.length === 0)
    throw new UsageError('ORDER_READ_WHICH', 'Say what to read: --order, --seller or --channel. See: tributary order-read list')
  const requeued = await withDatabase(command, (database) =>
    database.transaction(async (connection) => {
      const count = await retryOrderReads(connection, which, Date.now())
      if (count === 0)
        throw new CommandError(
          'ORDER_READ_NOT_WAITING',
          `Nothing of ${target} is parked or waits for its next try. See: tributary order-read list`,
        )
      await recordChange(connection, command, target)
      return count
    }),
  )
  printLine(`${requeued === 1 ? 'One order is' : `${requeued} orders are`} read within seconds. See: tributary order-read list`)
}
