import { type Command, Option } from 'commander'
import { parseChannel, parseOrderName, parseSellerName } from './arguments.ts'

/** Orders as options name them: one, those of a seller or of a channel; nothing of it means all. */
export type WhichOrders = { channel?: number; sellerId?: string; orderId?: string }

export type WhichOrdersOptions = { channel?: number; seller?: WhichOrders; order?: WhichOrders }

/** Gives a command `--channel`, `--seller` and `--order`, one of which may be used; `whichOrders` reads them. */
export const withWhichOrders = (command: Command): Command =>
  command
    .addOption(new Option('--channel <channel>', 'only of this channel').argParser(parseChannel).conflicts(['seller', 'order']))
    .addOption(new Option('--seller <channel:seller>', 'only of this seller').argParser(parseSellerName).conflicts('order'))
    .option('--order <channel:seller:order>', "only this order, ids as the marketplace's", parseOrderName)

export const whichOrders = ({ channel, seller, order }: WhichOrdersOptions): WhichOrders =>
  order ?? seller ?? (channel === undefined ? {} : { channel })

/** An order as `--order` takes it. */
export const orderText = ({ channel, sellerId, orderId }: Required<WhichOrders>): string =>
  [channel, sellerId, orderId].join(':')
