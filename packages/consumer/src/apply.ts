import type { Connection } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import { inSpan, traceFrom } from '@tributary/runtime'
import type { Delivered } from './definition.ts'
import { decode, type Item, storedKey } from './item.ts'
import { type Loop, moveTogether, moveWith, type Part } from './loop.ts'
import { measureBatch } from './measure.ts'
import { queueBehind } from './parked.ts'
import { noteApplied } from './progress.ts'

type Waiting = { key: string; position: number }

/** Prepares a part before its turn. What goes wrong is left for the turn to find again. */
export async function prepareAhead<P>(loop: Loop<P>, part: Part<P>): Promise<void> {
  try {
    await prepare(loop, part, sortOut(loop, part).run)
  } catch {
    part.prepared = undefined
  }
}

/**
 * Applies the events of a part in the transaction that moves the cursor behind it; those of parked keys are queued there.
 * Throws what decoding, `prepare` or `apply` throws; then nothing happened.
 */
export async function applyPart<P>(loop: Loop<P>, part: Part<P>): Promise<void> {
  const { definition, counts } = loop.shared
  const { run, behind } = sortOut(loop, part)
  const prepared = run.length === 0 ? undefined : await prepare(loop, part, run)
  loop.stage = 'applying'
  const started = performance.now()
  await inSpan(`process ${definition.topic}`, spanOf(loop, run), () => move(loop, part.to, behind, prepared, run.length))
  if (run.length > 0) {
    loop.parkedInARow = 0
    measureBatch({
      consumer: definition.name,
      topic: definition.topic,
      driver: loop.shared.log.driver,
      events: run.length,
      started,
      oldest: run[0]?.recorded.recordedTime ?? Date.now(),
    })
  }
  noteApplied(counts, run.length, loop.lastProgress)
}

function move<P>(
  loop: Loop<P>,
  to: Position,
  behind: readonly Waiting[],
  prepared: { values: readonly P[] } | undefined,
  events: number,
): Promise<void> {
  const { definition } = loop.shared
  const { applyTogether: together } = definition
  const before = async (connection: Connection) => {
    if (behind.length > 0) await queueBehind(connection, loop.cursor, behind)
  }
  if (together && prepared) return moveTogether(loop, to, { before, together, prepared: prepared.values, events })
  const work = async (connection: Connection) => {
    await before(connection)
    for (const value of prepared?.values ?? []) await definition.apply(connection, value)
  }
  return moveWith(loop, to, work, prepared?.values)
}

/** Which events of a part run now, and which wait behind their parked key. Throws the error of one that is unreadable. */
function sortOut<P>(loop: Loop<P>, { items }: Part<P>): { run: Item[]; behind: Waiting[] } {
  const run: Item[] = []
  const behind: Waiting[] = []
  for (const item of items) {
    const key = parkedKeyOf(loop, item)
    if (key === undefined) run.push(item)
    else behind.push({ key, position: item.recorded.position })
  }
  return { run, behind }
}

/**
 * The parked key that an event must wait behind. The stored key comes first: an unreadable event is parked under it, and
 * while it is, whatever the log keeps in one order with that event stays behind it, parsed by no one.
 */
function parkedKeyOf<P>(loop: Loop<P>, item: Item): string | undefined {
  const stored = storedKey(item)
  if (loop.parked.has(stored)) return stored
  const decoded = decode(item, loop.shared.definition.keyOf)
  if (decoded.kind === 'unreadable') throw decoded.error
  return loop.parked.has(decoded.key) ? decoded.key : undefined
}

async function prepare<P>(loop: Loop<P>, part: Part<P>, run: readonly Item[]): Promise<{ values: readonly P[] }> {
  const before = part.prepared
  // Parking and unparking since then may have changed which events run.
  if (before && before.run.length === run.length && before.run.every((item, index) => item === run[index])) return before
  part.prepared = undefined
  const value = await loop.shared.definition.prepare(run.map(deliveredOf), loop.signal, part.left)
  part.prepared = { run, values: [value] }
  return part.prepared
}

/** The event of an item that `sortOut` let run, which it decoded. */
export function deliveredOf({ decoded }: Item): Delivered {
  if (decoded?.kind !== 'readable') throw new TypeError('An event must be decoded before it is prepared.')
  return decoded.delivered
}

/** The span of a batch, by OpenTelemetry's conventions for messaging. */
function spanOf<P>({ shared, cursor }: Loop<P>, run: readonly Item[]): Parameters<typeof inSpan>[1] {
  const { definition, log } = shared
  const sources = run.map(({ recorded }) => ({ traceparent: recorded.event.traceparent, time: recorded.recordedTime }))
  const attributes = {
    'messaging.system': log.driver,
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': definition.topic,
    'messaging.destination.partition.id': String(cursor.partition),
    'messaging.consumer.group.name': definition.group,
    'messaging.batch.message_count': run.length,
    'tributary.consumer': definition.name,
  }
  return { kind: 'consumer', attributes, ...traceFrom(sources) }
}
