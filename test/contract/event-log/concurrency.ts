import type { EventLog, RecordedEvent } from '@tributary/event-log'
import type { StoredEvent } from '@tributary/events'
import { expect } from 'chai'
import { anEvent, idsOf, type MakeLog, PARTITIONS, readAll, useLog } from './log-under-test.ts'

const INSTANCES = 3
const CALLERS = 6
const CALLS = 25
const BATCH = 8

export function describeConcurrency(makeLog: MakeLog): void {
  describe('when many append at once', () => {
    const { open, topic, server } = useLog(makeLog)

    it('appends an event once that several instances hear of at the same moment', async () => {
      const logs = await Promise.all([open(), open(), open()])
      const events = Array.from({ length: 40 }, (_, index) => anEvent({ partitionkey: `key-${index}` }))
      const answers = await Promise.all(logs.flatMap((log) => events.map((event) => log.append(topic(), [event]))))
      expect(answers.flat().filter(({ appended }) => appended)).to.have.length(events.length)
      const standing = await readAll(logs[0], topic())
      expect(idsOf(standing)).to.have.members(events.map(({ id }) => id))
      expect(standing).to.have.length(events.length)
    })

    it('appends an id once even when two callers give it different keys', async () => {
      const logs = await Promise.all([open(), open()])
      const events = Array.from({ length: 30 }, () => anEvent())
      const answers = await Promise.all(
        logs.flatMap((log, instance) =>
          events.map((event, index) => log.append(topic(), [{ ...event, partitionkey: `key-${instance}-${index}` }])),
        ),
      )
      expect(answers.flat().filter(({ appended }) => appended)).to.have.length(events.length)
      expect(await readAll(logs[0], topic())).to.have.length(events.length)
      for (let index = 0; index < events.length; index += 1) {
        const [one, other] = [answers[index]?.[0], answers[index + events.length]?.[0]]
        expect([one?.partition, one?.position]).to.deep.equal([other?.partition, other?.position])
      }
    })

    it('keeps the order of the calls of one caller who does not wait for the answers', async () => {
      const log = await open()
      const events = Array.from({ length: 300 }, () => anEvent({ partitionkey: 'same' }))
      await Promise.all(events.map((event) => log.append(topic(), [event])))
      expect(idsOf(await readAll(log, topic()))).to.deep.equal(events.map(({ id }) => id))
    })

    it('never hides an event from a reader that has gone on, whatever is rolled back meanwhile', async function () {
      this.timeout(60_000)
      const logs = await Promise.all(Array.from({ length: INSTANCES }, open))
      const reader = await open()
      const writing = new AbortController()
      const tailing = Promise.all(
        Array.from({ length: PARTITIONS }, (_, partition) => tail(reader, topic(), partition, writing.signal)),
      )
      const acknowledged = new Set<string>()
      await Promise.all(
        logs.flatMap((log, instance) =>
          Array.from({ length: CALLERS }, (_, caller) =>
            appendWithRepeats(log, topic(), `${instance}-${caller}`, acknowledged),
          ),
        ),
      )
      writing.abort()
      const seen = await tailing
      expect(acknowledged.size).to.equal(INSTANCES * CALLERS * CALLS * BATCH)
      const ids = idsOf(seen.flat())
      expect(ids).to.have.length(acknowledged.size)
      expect(new Set(ids)).to.deep.equal(acknowledged)
      for (const events of seen) {
        const positions = events.map(({ position }) => position)
        expect(positions).to.deep.equal([...positions].sort((a, b) => a - b))
        if (server().dense) expect(positions).to.deep.equal(positions.map((_, index) => index))
      }
      expectOrderWithinKeys(seen.flat())
    })
  })
}

/** Every third call says again what an earlier one said, which a driver may have to roll back. */
async function appendWithRepeats(log: EventLog, topic: string, caller: string, acknowledged: Set<string>): Promise<void> {
  let number = 0
  let earlier: StoredEvent[] = []
  for (let call = 0; call < CALLS; call += 1) {
    const events = Array.from({ length: BATCH }, (_, index) =>
      anEvent({ partitionkey: `${caller}-${index % 3}`, data: JSON.stringify({ number: number++ }) }),
    )
    const repeated = call % 3 === 2 ? earlier.slice(0, 2) : []
    const answers = await log.append(topic, [...events, ...repeated])
    expect(answers.map(({ appended }) => appended)).to.deep.equal([...events.map(() => true), ...repeated.map(() => false)])
    for (const { id } of events) acknowledged.add(id)
    earlier = events
  }
}

/** Reads on and on, as a consumer does that never looks back, until writing has ended and nothing more is there. */
async function tail(log: EventLog, topic: string, partition: number, writing: AbortSignal): Promise<RecordedEvent[]> {
  const seen: RecordedEvent[] = []
  for (let from = 0; ; ) {
    const last = writing.aborted
    const slice = await log.read(topic, partition, from, { limit: 50 })
    seen.push(...slice.events)
    from = slice.next
    if (last && slice.events.length === 0) return seen
  }
}

function expectOrderWithinKeys(events: readonly RecordedEvent[]): void {
  const last = new Map<string, number>()
  for (const { event } of events) {
    const { number } = JSON.parse(event.data) as { number: number }
    expect(number, event.partitionkey).to.be.greaterThan(last.get(event.partitionkey) ?? -1)
    last.set(event.partitionkey, number)
  }
}
