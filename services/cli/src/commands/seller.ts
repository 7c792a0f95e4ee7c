import { findSeller, listSellers, type SellerRow } from '@tributary/database'
import { createEvent, encodeEvent, ORDER_TOPIC, sellerKey, timeOrderedEventId } from '@tributary/events'
import type { Command } from 'commander'
import { parseChannel, parseList } from '../arguments.ts'
import { CommandError } from '../failure.ts'
import { printLine, printRows } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withDatabase, withLog } from '../setting-up.ts'
import { checkSpiCodes } from '../spi-codes.ts'

const DAY = 86_400_000

/** `tributary seller list|route`: the shops that authorized an app (`eg_order_app_seller`). */
export function addSellerCommands(program: Command): void {
  const seller = program.command('seller').description('shops that authorized an app (eg_order_app_seller)')
  seller
    .command('list')
    .description('every seller, who gets its orders, and when its grant ends')
    .option('--channel <channel>', 'only this channel', parseChannel)
    .option('--json', 'one JSON object a line')
    .action(async (options, command: Command) => {
      const { sellers, reminderDays } = await withDatabase(command, async (database, { orderSync }) => ({
        sellers: await listSellers(database, options.channel),
        reminderDays: orderSync.reminderDays,
      }))
      printRows(
        sellers.map((row) => ({
          id: row.id,
          channel: row.channel,
          seller: row.sellerId,
          app: row.orderAppId,
          spi: row.spiServerCodes,
          ...(options.json ? grantForMachines(row, reminderDays) : { grantEnds: grantEnds(row, reminderDays) }),
        })),
        options,
      )
    })
  seller
    .command('route')
    .description('choose which SPI services get the orders of a seller; replaces the earlier choice')
    .argument('<channel>', 'number or name of the channel', parseChannel)
    .argument('<seller>', "the marketplace's id of the seller")
    .requiredOption('--spi <codes>', 'server codes joined by commas; an empty text ends all', parseList)
    .action(async (channel: number, sellerId: string, options, command: Command) => {
      await withLog(command, (database, log) => routeSeller({ database, log }, channel, sellerId, options.spi))
      printLine(`Orders of seller ${sellerId} go to: ${options.spi.join(', ') || 'nobody'}. It shows within seconds.`)
    })
}

async function routeSeller(
  { database, log }: Pick<Platform, 'database' | 'log'>,
  channel: number,
  sellerId: string,
  codes: string[],
): Promise<void> {
  if (!(await findSeller(database, channel, sellerId)))
    throw new CommandError('SELLER_UNKNOWN', `Channel ${channel} has no seller '${sellerId}'. See: tributary seller list`)
  await checkSpiCodes(database, codes)
  const event = createEvent({
    id: timeOrderedEventId(),
    type: 'SellerConfigured',
    source: '/tributary/cli',
    subject: `sellers/${channel}/${sellerId}`,
    time: Date.now(),
    partitionkey: sellerKey(channel, sellerId),
    data: { channel, sellerId, spiServerCodes: codes },
  })
  await log.append(ORDER_TOPIC, [encodeEvent(event)])
}

const daysLeft = ({ refreshTokenExpiresTime: time }: SellerRow): number => Math.floor((time - Date.now()) / DAY)

/** A seller who withdrew the grant has no token in the row; one whose grant never ends has no time. */
function grantOf(row: SellerRow, reminderDays: number): 'standing' | 'ending' | 'ended' {
  const ends = row.refreshTokenExpiresTime > 0
  if (row.refreshToken === '' || (ends && daysLeft(row) < 0)) return 'ended'
  return ends && daysLeft(row) < reminderDays ? 'ending' : 'standing'
}

function grantEnds(row: SellerRow, reminderDays: number): string {
  const grant = grantOf(row, reminderDays)
  if (grant === 'ended') return 'ended; a new consent is needed'
  if (row.refreshTokenExpiresTime === 0) return 'never'
  return `in ${daysLeft(row)} days${grant === 'ending' ? '; ask for a new consent' : ''}`
}

/** `grantEnds` is null where nothing says when the grant ends, or ended. */
const grantForMachines = (row: SellerRow, reminderDays: number) => ({
  grant: grantOf(row, reminderDays),
  grantEnds: row.refreshTokenExpiresTime === 0 ? null : new Date(row.refreshTokenExpiresTime).toISOString(),
})
