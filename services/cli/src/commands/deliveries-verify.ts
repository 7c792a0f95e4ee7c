import { type EndpointDefinition, type PartitionRange, type Standing, verifyDeliveries } from '@tributary/delivery'
import { endpointDefinitions } from '@tributary/dispatcher'
import type { RecordedEvent } from '@tributary/event-log'
import { positionAt } from '@tributary/history'
import { CommandError } from '../failure.ts'
import { knownEndpoint } from '../known-endpoints.ts'
import { printLine, printRows } from '../output.ts'
import { createProgressBar } from '../progress-bar.ts'
import type { LogAccess } from '../setting-up.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Deliveries that are told one by one; of more, how many there are says enough. */
const SHOWN = 1_000

type Options = { endpoint?: string; since?: number; until?: number; json?: boolean }
type Missing = { endpoint: string; place: string; id: string; type: string; key: string; recorded: string }

/** Checks a range of the log at every endpoint, prints what is missing, and sets the exit code. */
export async function verify(access: LogAccess, options: Options): Promise<void> {
  if (options.endpoint !== undefined) await knownEndpoint(access.database, access.configuration, options.endpoint)
  const all = await endpointDefinitions(access)
  const endpoints = all.filter(({ name }) => options.endpoint === undefined || options.endpoint === name)
  const plans = await Promise.all(
    endpoints.map(async (endpoint) => ({ endpoint, ranges: await rangesOf(access, endpoint, options) })),
  )
  const total = plans.flatMap(({ ranges }) => ranges).reduce((sum, { from, to }) => sum + to - from, 0)
  const bar = createProgressBar({ label: 'verifying', unit: 'events' })
  const missing: Missing[] = []
  const figures: Record<string, unknown>[] = []
  let lost = 0
  let done = 0
  for (const { endpoint, ranges } of plans) {
    const { name } = endpoint
    const before = done
    const counts = await verifyDeliveries({ connection: access.database, log: access.log }, endpoint, ranges, {
      signal: access.signal,
      onRead(positions) {
        done = before + positions
        bar.update({ done, total, note: name })
      },
      onNone(recorded) {
        lost += 1
        if (missing.length < SHOWN) missing.push(missingOf(name, recorded))
      },
    })
    figures.push(figuresOf(name, counts))
  }
  bar.end()
  access.signal.throwIfAborted()
  if (options.json) printLine(JSON.stringify({ endpoints: figures, missing: lost, deliveries: missing }))
  else print(figures, missing, lost)
  if (lost > 0) process.exitCode = 1
}

async function rangesOf(
  { log, configuration }: LogAccess,
  { topic }: EndpointDefinition,
  options: Options,
): Promise<PartitionRange[]> {
  // Clocks of machines differ a little; what is older may have lost its attempts, and nobody could tell.
  const oldest = Date.now() - configuration.delivery.attemptsDays * DAY + HOUR
  const { since = oldest, until } = options
  if (since < oldest)
    throw new CommandError(
      'VERIFY_TOO_OLD',
      `Attempts are kept for ${configuration.delivery.attemptsDays} days (tributary.delivery.attempts-days); nobody can tell what was before ${new Date(oldest).toISOString()}.`,
    )
  const ends = await log.ends(topic)
  return Promise.all(
    ends.map(async (end, partition) => ({
      partition,
      from: await positionAt(log, topic, partition, end, since),
      to: until === undefined ? end : await positionAt(log, topic, partition, end, until),
    })),
  )
}

function missingOf(endpoint: string, { topic, partition, position, recordedTime, event }: RecordedEvent): Missing {
  const recorded = new Date(recordedTime).toISOString()
  return {
    endpoint,
    place: `${topic}/${partition}/${position}`,
    id: event.id,
    type: event.type,
    key: event.partitionkey,
    recorded,
  }
}

function figuresOf(endpoint: string, counts: ReadonlyMap<Standing, number>): Record<string, unknown> {
  const of = (...standings: Standing[]) => standings.reduce((sum, standing) => sum + (counts.get(standing) ?? 0), 0)
  return {
    endpoint,
    delivered: of('delivered'),
    givenUp: of('given-up'),
    inLanes: of('retrying', 'blocked', 'skipped', 'waiting'),
    parked: of('parked'),
    toCome: of('ahead'),
    missing: of('none'),
  }
}

function print(figures: Record<string, unknown>[], missing: readonly Missing[], lost: number): void {
  printRows(figures, {})
  if (lost === 0) {
    printLine('Nothing is missing.')
    return
  }
  printLine('')
  printLine(`${lost} deliveries are missing: lost, or from before who gets a seller's orders was recorded, and changed since.`)
  printRows(missing, {})
  if (lost > missing.length) printLine(`… and ${lost - missing.length} more`)
}
