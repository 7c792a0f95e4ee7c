import { type RunningConsumer, startConsumer } from '@tributary/consumer'
import { effectsConsumer, openStage, quietLogger, readEffects, type Stage, storedEvent } from '@tributary/consumer/testing'
import { type Database, openDatabase } from '@tributary/database'
import { type EventLog, openEventLog, readSlices } from '@tributary/event-log'
import { ORDER_TOPIC } from '@tributary/events'
import { expect } from 'chai'
import { createRandom, type Random } from '../random.ts'
import { type Relay, until } from '../servers/index.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const PARTITIONS = 4
const WRITERS = 4
const KEYS_OF_A_WRITER = 5
/** Milliseconds: longer than any of the faults lasts. */
const PATIENCE = 60_000

/** What can happen to a log; `kill` only to a server that keeps what it has. */
export type Fault = 'cut' | 'stall' | 'kill' | 'member'

/** A server of a log, reached through a relay that can break. */
export type TroubledServer = { url: string; relay: Relay; killAndRestart?(): Promise<void>; close(): Promise<void> }

type Member = { consumer: RunningConsumer; log: EventLog; database: Database }

/**
 * Writers append without pause, and say again what was not acknowledged; two members of a group write effects into MariaDB;
 * meanwhile connections are cut in the middle of appends, the network hangs, the broker is killed and a member stops and
 * another begins. Every acknowledged event must have its effect once, in the order of its key, and stand in the log once.
 */
export function describeLogInTrouble(
  name: string,
  { server: openServer, faults }: { server(): Promise<TroubledServer>; faults: readonly Fault[] },
): void {
  describe(`${name} in trouble (seed ${SEED})`, function () {
    this.timeout(180_000)
    let stage: Stage
    let server: TroubledServer
    const members: Member[] = []
    before(async () => {
      stage = await openStage(`${name.toLowerCase()}_fault`)
      server = await openServer()
    })
    after(async () => {
      await Promise.all(members.splice(0).map(endMember))
      await server.close()
      await stage.close()
    })

    async function openLog(): Promise<{ log: EventLog; database: Database }> {
      const database = openDatabase(stage.url)
      return { database, log: await openEventLog({ url: server.url, database, partitions: PARTITIONS, lease: 2_000 }) }
    }
    async function startMember(): Promise<void> {
      const opened = await openLog()
      const definition = effectsConsumer({ member: `m${members.length}`, batchSize: 50 })
      members.push({ ...opened, consumer: startConsumer({ definition, ...opened, logger: quietLogger }) })
    }

    it('loses nothing, does nothing twice and keeps the order of every key', async () => {
      const random = createRandom(SEED)
      const acknowledged = new Map<string, string[]>()
      const writing = new AbortController()
      const opened = await openLog()
      await startMember()
      await startMember()
      const writers = Array.from({ length: WRITERS }, (_, writer) => write(opened.log, writer, acknowledged, writing.signal))
      for (const fault of faults) {
        await whenMore(acknowledged, random.from(40, 160))
        await inject(fault, random)
      }
      await whenMore(acknowledged, 100)
      writing.abort()
      await Promise.all(writers)
      const total = countOf(acknowledged)
      await until(`all ${total} effects are there`, async () => (await readEffects(stage.operator)).length >= total, PATIENCE)
      await opened.log.close()
      await opened.database.close()

      const effects = Map.groupBy(await readEffects(stage.operator), ({ key }) => key)
      for (const [key, values] of acknowledged)
        expect(
          effects.get(key)?.map(({ value }) => value),
          key,
        ).to.deep.equal(values)
      const ids = await idsInLog()
      expect(ids).to.have.length(total)
      expect(new Set(ids)).to.have.property('size', total)
      process.stdout.write(`    ${total} events through ${faults.join(', ')}\n`)
    })

    async function inject(fault: Fault, random: Random): Promise<void> {
      if (fault === 'cut') {
        server.relay.cut()
        await new Promise((resolve) => setTimeout(resolve, random.from(50, 500)))
        server.relay.heal()
      } else if (fault === 'stall') {
        server.relay.stall()
        await new Promise((resolve) => setTimeout(resolve, random.from(500, 2_500)))
        server.relay.heal()
      } else if (fault === 'kill') {
        await server.killAndRestart?.()
      } else {
        const [leaving] = members.splice(0, 1)
        if (leaving) await Promise.all([endMember(leaving), startMember()])
      }
    }

    async function idsInLog(): Promise<string[]> {
      const { log, database } = await openLog()
      const ids: string[] = []
      for (const [partition, end] of (await log.ends(ORDER_TOPIC)).entries())
        for await (const slice of readSlices(log, ORDER_TOPIC, partition, { to: end }))
          ids.push(...slice.events.map(({ event }) => event.id))
      await log.close()
      await database.close()
      return ids
    }
  })
}

async function endMember({ consumer, log, database }: Member): Promise<void> {
  await consumer.stop()
  await log.close()
  await database.close()
}

let made = 0

/** Appends events of the writer's own keys, each until it is acknowledged, so that the order of a key is the writer's. */
async function write(log: EventLog, writer: number, acknowledged: Map<string, string[]>, signal: AbortSignal): Promise<void> {
  for (let number = 0; !signal.aborted; number += 1) {
    const batch = Array.from({ length: 1 + (number % 4) }, (_, index) => {
      const key = `${writer}-${(number + index) % KEYS_OF_A_WRITER}`
      const value = `${number}.${index}`
      return { key, value, event: storedEvent(key, value, ++made) }
    })
    await appendUntilKept(
      log,
      batch.map(({ event }) => event),
    )
    for (const { key, value } of batch) {
      const values = acknowledged.get(key) ?? []
      values.push(value)
      acknowledged.set(key, values)
    }
  }
}

async function appendUntilKept(log: EventLog, events: Parameters<EventLog['append']>[1]): Promise<void> {
  for (;;) {
    try {
      await log.append(ORDER_TOPIC, events)
      return
    } catch (error) {
      if ((error as { retriable?: boolean }).retriable !== true) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

const countOf = (acknowledged: ReadonlyMap<string, readonly string[]>): number =>
  [...acknowledged.values()].reduce((sum, { length }) => sum + length, 0)

function whenMore(acknowledged: ReadonlyMap<string, readonly string[]>, more: number): Promise<void> {
  const enough = countOf(acknowledged) + more
  return until(`${more} more events are kept`, () => countOf(acknowledged) >= enough, PATIENCE)
}
