import type { ConsumerDefinition, Delivered, OwnedPartition } from '@tributary/consumer'
import type { Connection } from '@tributary/database'
import type { MemoryDatabase } from '../memory-rows.ts'
import { consumerOf } from './endpoint.ts'
import { nothingUntil } from './receiver.ts'
import { dawdle, die, type Part, type Process, step, type World } from './world.ts'

/** Batches that are prepared and not applied yet, at most. */
const MOST_AHEAD = 4

/** The consumer's loop in short: some batches ahead, applied in turns or together, the cursor fenced; both partitions at once. */
export async function run(world: World, process: Process): Promise<void> {
  const consumer = consumerOf(world, process)
  await Promise.all(world.parts.map((part) => runPart(world, process, part, consumer)))
  process.end()
}

async function runPart<P>(world: World, process: Process, part: Part, consumer: ConsumerDefinition<P>): Promise<void> {
  const owned: OwnedPartition = {
    topic: 'orders',
    partition: part.number,
    signal: process.stopping.signal,
    fenced: (work) => transact(world, process, part, (connection) => work(connection)),
  }
  try {
    await consumer.assigned?.(owned)
    await follow(world, process, part, consumer)
  } catch {
    // Fenced, dead or stopped: whatever is not committed is the next one's.
    process.stopping.abort(new Error('gone'))
  }
  await consumer.revoked?.(part.number)
}

async function follow<P>(world: World, process: Process, part: Part, consumer: ConsumerDefinition<P>): Promise<void> {
  const { random } = world
  const { events, database } = part
  const { signal } = process.stopping
  const ahead: Promise<void>[] = []
  const waiting: Prepared<P>[] = []
  for (let position = database.state.cursor; position < events.length; ) {
    signal.throwIfAborted()
    const from = position
    const batch = events.slice(from, from + 1 + random.from(0, 5))
    const to = from + batch.length
    const prepared = await consumer.prepare(batch, signal, events.length - to)
    const before = ahead.at(-1)
    const one = { batch, prepared: [prepared] }
    waiting.push(one)
    const applied = (async () => {
      await before
      if (waiting[0] !== one) return
      const joined = waiting.splice(0, random.from(1, waiting.length))
      await settle(world, process, part, consumer, {
        batch: joined.flatMap((each) => each.batch),
        prepared: joined.flatMap((each) => each.prepared),
      })
    })()
    applied.catch(() => process.stopping.abort(new Error('gone')))
    ahead.push(applied)
    for (const most = random.from(1, MOST_AHEAD); ahead.length > most; ) await ahead.shift()
    position = to
  }
  await ahead.at(-1)
  await nothingUntil(signal)
}

type Prepared<P> = { batch: readonly Delivered[]; prepared: readonly P[] }

/** Applies a batch, or several that were joined. One that is refused for an event in it comes again in halves, each prepared anew. */
async function settle<P>(
  world: World,
  process: Process,
  part: Part,
  consumer: ConsumerDefinition<P>,
  { batch, prepared }: Prepared<P>,
): Promise<void> {
  const { random, trouble, history } = world
  const from = batch[0]?.position ?? 0
  const to = from + batch.length
  if (batch.length === 1 || !random.chance(trouble / 4)) {
    await applyBatch(world, process, part, { from, to }, async (connection) => consumer.applyTogether?.(connection, prepared))
    for (const one of prepared) consumer.committed?.(part.number, to, one)
    return
  }
  history.refusals += 1
  const middle = Math.ceil(batch.length / 2)
  for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
    const again = await consumer.prepare(half, process.stopping.signal, part.events.length - to)
    await settle(world, process, part, consumer, { batch: half, prepared: [again] })
  }
}

/** A fenced transaction, before or after whose commit the process may die, or merely lose its connection. */
async function transact<T>(
  world: World,
  process: Process,
  { database, number }: Part,
  work: (connection: Connection, state: MemoryDatabase['state']) => Promise<T>,
): Promise<T> {
  const { random, danger } = world
  step(world, process)
  const answer = await database.transaction(async (connection, state) => {
    await dawdle(world)
    if (process.isDead || state.epoch !== process.epochs[number]) throw new Error('fenced')
    const result = await work(connection, state)
    if (random.chance(danger)) die(process)
    if (random.chance(danger)) loseConnection()
    return result
  })
  if (random.chance(danger)) die(process)
  if (random.chance(danger)) loseConnection()
  return answer
}

function loseConnection(): never {
  throw Object.assign(new Error('connection lost'), { retriable: true })
}

/** Applies a batch once, whatever becomes of connections: the cursor tells whether a try went through. */
async function applyBatch(
  world: World,
  process: Process,
  part: Part,
  { from, to }: { from: number; to: number },
  apply: (connection: Connection) => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      return await transact(world, process, part, async (connection, state) => {
        if (state.cursor === to) return
        if (state.cursor !== from) throw new Error('fenced')
        state.cursor = to
        await apply(connection)
      })
    } catch (error) {
      if (!(error instanceof Error && 'retriable' in error)) throw error
    }
  }
}
