import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openDatabase } from '@tributary/database'
import { expect } from 'chai'
import { until } from '../../servers/index.ts'
import { anEvent, eventsOfKeys, idsOf, type LogUnderTest, type MakeLog, PARTITIONS, useLog } from './log-under-test.ts'
import { assignments, createRecorder, join } from './recorder.ts'

export function describeFollowing(makeLog: MakeLog): void {
  describe('when it is followed', () => {
    const { open, topic, server } = useLog(makeLog)

    it('gives a lone follower every event of every partition, in order, from where it says it is', async () => {
      const log = await open()
      const events = eventsOfKeys(30, 20)
      const places = await log.append(topic(), events)
      const cursors = new Map([[places[0]?.partition ?? 0, 5]])
      const expected = events.filter((_, index) => {
        const place = places[index]
        return place && place.position >= (cursors.get(place.partition) ?? 0)
      })
      const recorder = createRecorder(cursors)
      const member = join(log, topic(), recorder)
      await until('all are seen', () => recorder.events.length >= expected.length)
      await member.stop()
      expect(idsOf(recorder.events)).to.have.members(expected.map(({ id }) => id))
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const positions = recorder.events.filter((one) => one.partition === partition).map(({ position }) => position)
        expect(positions).to.deep.equal([...positions].sort((a, b) => a - b))
      }
    })

    it('gives on what this and other instances append later', async () => {
      const [log, other] = await Promise.all([open(), open()])
      const recorder = createRecorder(new Map())
      const member = join(log, topic(), recorder)
      await until('all partitions are held', () => recorder.held.size === PARTITIONS)
      for (const writer of [log, other, log, other]) {
        const before = recorder.events.length
        await writer.append(topic(), eventsOfKeys(10, 1))
        await until('the new events are seen', () => recorder.events.length === before + 10)
      }
      await member.stop()
    })

    it('gives the next batch only after the last one was taken, of no more events than asked for', async () => {
      const log = await open()
      const key = { partitionkey: 'same' }
      await log.append(
        topic(),
        Array.from({ length: 200 }, () => anEvent(key)),
      )
      let release = () => {}
      const lengths: number[] = []
      const recorder = createRecorder(new Map(), async () => {
        lengths.push(recorder.events.length)
        await new Promise<void>((resolve) => {
          release = resolve
        })
      })
      const member = join(log, topic(), recorder, { limit: 20 })
      for (let batch = 1; batch <= 3; batch += 1) {
        await until('a batch is given', () => lengths.length === batch)
        // Anything that would push a further batch has its chance: new events, and many turns of the loop.
        await log.append(topic(), [anEvent(key)])
        await log.read(topic(), 0, 0)
        expect(lengths).to.have.length(batch)
        release()
      }
      expect(lengths).to.deep.equal([0, 20, 40])
      const stopped = member.stop()
      release()
      await stopped
    })

    it('holds next to nothing in memory for a follower that does not take its batch', async function () {
      this.timeout(60_000)
      const log = await open()
      const key = { partitionkey: 'same' }
      const data = `"${'x'.repeat(100_000)}"`
      let given = 0
      let release = () => {}
      const blocked = new Promise<void>((resolve) => {
        release = resolve
      })
      const recorder = createRecorder(new Map(), () => {
        given += 1
        return blocked
      })
      await log.append(topic(), [anEvent(key)])
      const member = join(log, topic(), recorder)
      await until('the follower is blocked', () => given === 1)
      const before = heapAfterCollection()
      for (let call = 0; call < 20; call += 1) {
        await log.append(
          topic(),
          Array.from({ length: 20 }, () => anEvent({ ...key, data })),
        )
      }
      // 40 MB went past; a driver may have one slice of 8 MB at hand.
      expect(heapAfterCollection() - before).to.be.lessThan(15_000_000)
      expect(given).to.equal(1)
      release()
      await member.stop()
    })

    it('assigns a partition again, after a pause and from its cursor, when the follower throws', async () => {
      const log = await open()
      const events = Array.from({ length: 10 }, () => anEvent({ partitionkey: 'same' }))
      const [place] = await log.append(topic(), events)
      let failures = 0
      const recorder = createRecorder(new Map(), () => {
        failures += 1
        if (failures <= 2) throw new Error('not today')
      })
      const member = join(log, topic(), recorder)
      await until('all are seen', () => recorder.events.length === events.length)
      expect(idsOf(recorder.events)).to.deep.equal(events.map(({ id }) => id))
      const ofPartition = recorder.calls.filter((call) => call.endsWith(` ${place?.partition}`))
      const failed = [`assigned ${place?.partition}`, `batch ${place?.partition}`, `revoked ${place?.partition}`]
      expect(ofPartition).to.deep.equal([...failed, ...failed, ...failed.slice(0, 2)])
      await member.stop()
    })

    it('assigns again after a follower that threw while it was assigned, and goes on with the other partitions', async () => {
      const log = await open()
      await log.append(topic(), eventsOfKeys(40, 1))
      const recorder = createRecorder(new Map())
      const { assigned } = recorder.follower
      let refused = 0
      recorder.follower.assigned = async (partition, signal) => {
        const from = await assigned(partition, signal)
        if (partition === 0 && refused++ === 0) throw new Error('not today')
        return from
      }
      const member = join(log, topic(), recorder)
      await until('all are seen', () => recorder.events.length === 40)
      expect(assignments(recorder).get(0)).to.deep.equal({ assigned: 2, revoked: 1 })
      await member.stop()
    })

    it('assigns a partition that was taken from the follower to it again, keeping the lease, also when it may not have it yet', async () => {
      const log = await open()
      const events = Array.from({ length: 10 }, () => anEvent({ partitionkey: 'same' }))
      const [place] = await log.append(topic(), events)
      const fence = new AbortController()
      const recorder = createRecorder(new Map(), () => {
        if (fence.signal.aborted) return
        fence.abort(new Error('fenced'))
        throw fence.signal.reason
      })
      const { assigned } = recorder.follower
      recorder.follower.assigned = async (partition, signal) => {
        const from = await assigned(partition, signal)
        if (partition === place?.partition && assignments(recorder).get(partition)?.assigned === 2)
          throw Object.assign(new Error('not yet'), { retriable: true })
        return from
      }
      recorder.follower.lost = (partition) =>
        partition === place?.partition && assignments(recorder).get(partition)?.assigned === 1 ? fence.signal : undefined
      const member = join(log, topic(), recorder, { group: topic() })
      await until('all are seen', () => recorder.events.length === events.length)
      expect(assignments(recorder).get(place?.partition ?? -1)).to.deep.equal({ assigned: 3, revoked: 2 })
      // Whoever gives a lease back lets it rest.
      expect(await restsOf(server(), topic())).to.deep.equal(Array(PARTITIONS).fill(0))
      await member.stop()
    })

    it('revokes each partition once when it is told to stop, after the batch in hand', async () => {
      const log = await open()
      await log.append(topic(), [anEvent()])
      let release = () => {}
      const blocked = new Promise<void>((resolve) => {
        release = resolve
      })
      const recorder = createRecorder(new Map(), () => blocked)
      const member = join(log, topic(), recorder)
      await until(
        'all are held and one has a batch',
        () => recorder.held.size === PARTITIONS && recorder.calls.join().includes('batch'),
      )
      const busy = Number(recorder.calls.find((call) => call.startsWith('batch'))?.split(' ')[1])
      const stopped = member.stop()
      expect(recorder.signals.every(({ signal }) => signal.aborted)).to.equal(true)
      await until('the idle ones are revoked', () => recorder.held.size === 1)
      expect([...recorder.held]).to.deep.equal([busy])
      release()
      await stopped
      expect(recorder.events).to.have.length(1)
      for (const [partition, count] of assignments(recorder)) {
        expect(count, `partition ${partition}`).to.deep.equal({ assigned: 1, revoked: 1 })
      }
    })

    it('ends followers when it is closed', async () => {
      const log = await open()
      const recorder = createRecorder(new Map())
      const following = log.follow({
        topic: topic(),
        group: 'group',
        follower: recorder.follower,
        signal: new AbortController().signal,
      })
      await until('all partitions are held', () => recorder.held.size === PARTITIONS)
      await log.close()
      await following
      expect(recorder.held.size).to.equal(0)
    })

    it('does nothing for a follower that has been stopped already', async () => {
      const log = await open()
      const recorder = createRecorder(new Map())
      await log.follow({ topic: topic(), group: 'group', follower: recorder.follower, signal: AbortSignal.abort() })
      expect(recorder.calls).to.deep.equal([])
    })

    it('gives every group every event', async () => {
      const log = await open()
      const recorders = ['one', 'two'].map((group) => ({ group, recorder: createRecorder(new Map()) }))
      const members = recorders.map(({ group, recorder }) => join(log, topic(), recorder, { group }))
      const events = eventsOfKeys(20, 5)
      await log.append(topic(), events)
      await until('both have seen all', () => recorders.every(({ recorder }) => recorder.events.length === events.length))
      for (const { recorder } of recorders) expect(idsOf(recorder.events)).to.have.members(events.map(({ id }) => id))
      await Promise.all(members.map((member) => member.stop()))
    })
  })
}

/** Until when each partition of a group rests. */
async function restsOf({ url, databaseUrl }: LogUnderTest, group: string): Promise<number[]> {
  const database = openDatabase(databaseUrl ?? url)
  const rows = await database.query<{ rests: number }[]>(
    'SELECT available_time AS rests FROM tributary_log_lease WHERE group_name = ?',
    [group],
  )
  await database.close()
  return rows.map(({ rests }) => rests)
}

/** Bytes in use once what nobody holds any more is gone. */
function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
