import { orderKey, sellerKey } from '@tributary/events'
import { InvalidArgumentError } from 'commander'

/** `1` or `ebay` and so on, to the channel's number. */
export function parseChannel(text: string): number {
  const names = ['ebay', 'tiktok', 'amazon', 'lazada']
  const number = names.includes(text.toLowerCase()) ? names.indexOf(text.toLowerCase()) + 1 : Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= names.length) return number
  throw new InvalidArgumentError(`Give a channel: ${names.map((name, index) => `${index + 1} (${name})`).join(', ')}.`)
}

/** `1:some_seller:12-34567-89012`, ids as the marketplace's, to its parts. */
export function parseOrderName(text: string): { channel: number; sellerId: string; orderId: string } {
  const [channel = '', sellerId = '', orderId = '', ...rest] = text.split(':')
  if (sellerId !== '' && orderId !== '' && rest.length === 0) return { channel: parseChannel(channel), sellerId, orderId }
  throw new InvalidArgumentError('Give channel:seller:order, for example 1:some_seller:12-34567-89012.')
}

/** `1:some_seller` to its parts. */
export function parseSellerName(text: string): { channel: number; sellerId: string } {
  const [channel = '', sellerId = '', ...rest] = text.split(':')
  if (sellerId !== '' && rest.length === 0) return { channel: parseChannel(channel), sellerId }
  throw new InvalidArgumentError('Give channel:seller, for example 1:some_seller.')
}

/** `1:some_seller:12-34567-89012` to the partition key of the order. */
export function parseOrder(text: string): string {
  const { channel, sellerId, orderId } = parseOrderName(text)
  return orderKey(channel, sellerId, orderId)
}

/** `1:some_seller` to the partition key of the seller. */
export function parseSeller(text: string): string {
  const { channel, sellerId } = parseSellerName(text)
  return sellerKey(channel, sellerId)
}

/** A whole number of at least one. */
export function parseCount(text: string): number {
  const count = Number(text)
  if (Number.isSafeInteger(count) && count >= 1) return count
  throw new InvalidArgumentError('Give a whole number of at least 1.')
}

/** `a,b` to its parts, without empty ones. */
export function parseList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** A position in a partition: a whole number, 0 or more. */
export function parsePosition(text: string): number {
  const position = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(position) && position >= 0) return position
  throw new InvalidArgumentError('Give a position: a whole number, 0 or more.')
}

const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/i

/**
 * ISO 8601, or milliseconds since 1970, to the latter. What names no zone is UTC, as all that is shown. Nothing else: the
 * language's own parser takes 5 for May 2001, 11/12/2026 for a day in November, and the 31st of a month of thirty days for the
 * next one.
 */
export function parseTime(text: string): number {
  if (/^\d{12,14}$/.test(text)) return Number(text)
  const [, date = '', clock = '00:00', zone = 'Z'] = TIME.exec(text) ?? []
  const time = Date.parse(`${date}T${clock}${zone.toUpperCase()}`)
  const day = Date.parse(`${date}T00:00Z`)
  if (!Number.isNaN(time) && new Date(day).toISOString().startsWith(date)) return time
  throw new InvalidArgumentError(
    'Give a time, for example 2026-11-27T09:30:00Z (UTC if it has no zone), or milliseconds since 1970.',
  )
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const LONGEST = 7 * 86_400_000

/** `30m`, `24h` or `2d`, at most seven days, to milliseconds. */
export function parseDuration(text: string): number {
  const [, count = '', unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
  const duration = Number(count) * (UNITS[unit] ?? Number.NaN)
  if (duration <= LONGEST) return duration
  throw new InvalidArgumentError('Give a duration of at most 7 days: 30m, 24h or 2d, for example; 0s for none.')
}

/** A share of a whole: above 0, at most 1. */
export function parseShare(text: string): number {
  const share = Number(text)
  if (share > 0 && share <= 1) return share
  throw new InvalidArgumentError('Give a share above 0 and at most 1, for example 0.5.')
}
