import { type CallBudget, ChannelError } from '@tributary/channels'
import { type Connection, type Database, DatabaseError } from '@tributary/database'

export type Operation = Parameters<CallBudget['take']>[0]

/** Calls a day, of one app, where a channel counts by the day: eBay's production limits (getRateLimits, 2026-09-30) and the quota of refresh_token grants. */
const DAILY_CALLS: Readonly<Record<number, Readonly<Record<Operation, number>>>> = {
  1: { order: 100_000, token: 50_000, notification: 10_000 },
}
/** Others have limits of their own kind, which their channels keep; only what all must wait for is noted here. */
const UNCOUNTED = 2_000_000_000

const dailyCalls = (channel: number, operation: Operation): number => DAILY_CALLS[channel]?.[operation] ?? UNCOUNTED

/** What polling leaves untouched for reads that a notification asked for. */
const RESERVED_SHARE = 0.2
/** Set aside at once, so that not every call writes. What a process does not use is lost to the day. */
const CHUNK = 50
/** How long a process may go on without hearing that another was told to pause. */
const FRESH = 1_000

type Stock = { day: string; left: number; checked: number }

/**
 * Counts the calls of all processes to one channel against its daily limits, which end at midnight in Los Angeles.
 * `take` resolves at once in most cases; it throws ChannelError CHANNEL_BUDGET_SPENT, with the time to wait, when the day's
 * calls are used up or the operation is paused.
 */
export function createCallBudget(options: { database: Database; channel: number; clock?: () => number }): CallBudget {
  const { database, channel, clock = Date.now } = options
  const stocks = new Map<Operation, Stock>()
  const replenishing = new Map<Operation, Promise<number>>()
  /** The day on which calls were made that nobody counts. */
  const lent = new Map<Operation, string>()

  /** Looks at the row, sets calls aside when there are none left, and answers how many there are then. */
  async function replenish(operation: Operation): Promise<number> {
    const now = clock()
    const day = dayOf(now)
    const before = stocks.get(operation)
    const left = before?.day === day ? before.left : 0
    const granted = await database.transaction((connection) =>
      reserve(connection, {
        channel,
        operation,
        day,
        now,
        wanted: left > 0 ? 0 : CHUNK,
        limit: dailyCalls(channel, operation),
      }),
    )
    stocks.set(operation, { day, left: left + granted, checked: clock() })
    return left + granted
  }

  /**
   * While the database is away a process may go on with what it had set aside, and once a day with as much again that nobody
   * counts: what a marketplace signed is verified with keys that must be asked for.
   */
  function withoutDatabase(operation: Operation, error: unknown): number {
    const now = clock()
    const day = dayOf(now)
    const known = stocks.get(operation)
    const left = known?.day === day ? known.left : 0
    if (!(error instanceof DatabaseError && error.retriable) || (left === 0 && lent.get(operation) === day)) throw error
    if (left === 0) lent.set(operation, day)
    const stock = { day, left: left || CHUNK, checked: now }
    stocks.set(operation, stock)
    return stock.left
  }

  return {
    async take(operation) {
      for (;;) {
        const now = clock()
        const stock = stocks.get(operation)
        if (stock && stock.left > 0 && stock.day === dayOf(now) && now - stock.checked < FRESH) {
          stock.left -= 1
          return
        }
        const replenished = () => replenish(operation).catch((error: unknown) => withoutDatabase(operation, error))
        const running = replenishing.get(operation) ?? replenished().finally(() => replenishing.delete(operation))
        replenishing.set(operation, running)
        if ((await running) === 0) throw spent(`The calls of the day for '${operation}' are used up`, untilMidnight(clock()))
      }
    },
  }
}

/** Stops an operation for every process until a time, if the marketplace said that we call too often. */
export async function pauseWhenLimited(
  connection: Connection,
  error: unknown,
  options: { channel: number; operation: Operation; now: number; until: number },
): Promise<void> {
  if (!(error instanceof ChannelError && error.code === 'CHANNEL_RATE_LIMITED')) return
  await connection.query(
    `INSERT INTO tributary_call_budget (channel, operation, day, paused_until) VALUES (?, ?, ?, ?)
     ON DUPLICATE KEY UPDATE paused_until = GREATEST(paused_until, VALUES(paused_until))`,
    [options.channel, options.operation, dayOf(options.now), options.until],
  )
}

/**
 * To be called before orders are read. Throws ChannelError CHANNEL_BUDGET_SPENT when order calls are paused (the budget of
 * this process may not have heard of it yet), or, when `polling`, when so few are left of the day that notifications
 * should have them.
 */
export async function checkOrderCalls(
  connection: Connection,
  { channel, now, polling }: { channel: number; now: number; polling: boolean },
): Promise<void> {
  const row = await budgetRow(connection, { channel, operation: 'order', day: dayOf(now) })
  if (row.paused_until > now) throw paused('order', row.paused_until - now)
  if (polling && row.used > dailyCalls(channel, 'order') * (1 - RESERVED_SHARE))
    throw spent('The rest of the calls of the day is kept for notifications', untilMidnight(now))
}

/** What the day's limits leave to all processes together, for each operation. Throws DatabaseError. */
export async function callsLeft(
  connection: Connection,
  channel: number,
  now: number,
): Promise<{ channel: number; operation: Operation; calls: number }[]> {
  const rows = await connection.query<{ operation: Operation; used: number }[]>(
    'SELECT operation, used FROM tributary_call_budget WHERE channel = ? AND day = ?',
    [channel, dayOf(now)],
  )
  const used = new Map(rows.map((row) => [row.operation, row.used]))
  return Object.entries(DAILY_CALLS[channel] ?? {}).map(([name, limit]) => {
    const operation = name as Operation
    return { channel, operation, calls: Math.max(0, limit - (used.get(operation) ?? 0)) }
  })
}

type BudgetKey = { channel: number; operation: Operation; day: string }

async function reserve(
  connection: Connection,
  { channel, operation, day, now, wanted, limit }: BudgetKey & { now: number; wanted: number; limit: number },
): Promise<number> {
  const key = [channel, operation, day]
  // A write that matches always locks the row; reading it first with a weaker lock would end in deadlocks.
  const shape =
    'INSERT INTO tributary_call_budget (channel, operation, day) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE used = used'
  await connection.query(shape, key)
  const row = await budgetRow(connection, { channel, operation, day })
  if (row.paused_until > now) throw paused(operation, row.paused_until - now)
  const granted = Math.max(0, Math.min(wanted, limit - row.used))
  await connection.query('UPDATE tributary_call_budget SET used = used + ? WHERE channel = ? AND operation = ? AND day = ?', [
    granted,
    ...key,
  ])
  return granted
}

async function budgetRow(connection: Connection, { channel, operation, day }: BudgetKey) {
  const [row] = await connection.query<{ used: number; paused_until: number }[]>(
    'SELECT used, paused_until FROM tributary_call_budget WHERE channel = ? AND operation = ? AND day = ?',
    [channel, operation, day],
  )
  return row ?? { used: 0, paused_until: 0 }
}

function paused(operation: Operation, retryAfter: number): ChannelError {
  return spent(`Calls for '${operation}' are paused: the marketplace asked for it`, retryAfter)
}

function spent(message: string, retryAfter: number): ChannelError {
  return new ChannelError('CHANNEL_BUDGET_SPENT', message, { remedy: 'retry', retryAfter })
}

const LOS_ANGELES = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Los_Angeles',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

const partsOf = (time: number) => Object.fromEntries(LOS_ANGELES.formatToParts(time).map(({ type, value }) => [type, value]))

/** The marketplace's day of a moment, for example `2026-11-23`. */
function dayOf(time: number): string {
  const { year, month, day } = partsOf(time)
  return `${year}-${month}-${day}`
}

/** To the next midnight there; an hour off on the two days a year when their clocks change, which one more try makes good. */
function untilMidnight(time: number): number {
  const { hour, minute, second } = partsOf(time)
  return ((24 - Number(hour)) * 60 - Number(minute)) * 60_000 - Number(second) * 1000
}
