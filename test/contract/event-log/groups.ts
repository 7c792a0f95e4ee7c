import { expect } from 'chai'
import { until } from '../../servers/index.ts'
import { eventsOfKeys, idsOf, LEASE, type MakeLog, PARTITIONS, useLog } from './log-under-test.ts'
import { type ProcessMember, startMember } from './process.ts'
import { assignments, type Cursors, createRecorder, join, type Recorder } from './recorder.ts'

/** Everybody holds the same number, and everything is held once. */
function isShared(members: readonly { held: ReadonlySet<number> }[]): boolean {
  const all = members.flatMap(({ held }) => [...held])
  return (
    all.length === PARTITIONS &&
    new Set(all).size === PARTITIONS &&
    members.every(({ held }) => held.size === PARTITIONS / members.length)
  )
}

export function describeGroups(makeLog: MakeLog): void {
  describe('when several follow it as a group', () => {
    const { open, topic, server } = useLog(makeLog)
    const processes: ProcessMember[] = []

    const start = (cursors: Cursors) => {
      const member = startMember(server(), topic(), cursors)
      processes.push(member)
      return member
    }

    afterEach(() => Promise.all(processes.splice(0).map((member) => member.end())))

    it('shares the partitions evenly between instances, and moves no more of them than it must', async function () {
      this.timeout(60_000)
      const cursors: Cursors = new Map()
      const recorders: Recorder[] = []
      const addMember = async () => {
        const recorder = createRecorder(cursors)
        recorders.push(recorder)
        return join(await open(), topic(), recorder)
      }
      const first = await addMember()
      await until('the first holds all', () => isShared(recorders))
      const second = await addMember()
      await until('two share', () => isShared(recorders))
      const kept = [...(recorders[0]?.held ?? [])]
      const third = await addMember()
      await until('three share', () => isShared(recorders))
      expect(kept).to.include.members([...(recorders[0]?.held ?? [])])
      const moves = recorders.flatMap((recorder) => [...assignments(recorder).values()].map(({ assigned }) => assigned))
      // 6 to the first, 3 of those to the second, then 1 of each to the third.
      expect(moves.reduce((sum, count) => sum + count, 0)).to.equal(6 + 3 + 2)
      await second.stop()
      await until('the others have the share of the one that left', () => isShared(recorders.filter((_, index) => index !== 1)))
      await Promise.all([first.stop(), third.stop()])
    })

    it('reads every event once while members come and go', async function () {
      this.timeout(60_000)
      const cursors: Cursors = new Map()
      const writer = await open()
      const recorders = [createRecorder(cursors), createRecorder(cursors), createRecorder(cursors)]
      const [first, second, third] = recorders as [Recorder, Recorder, Recorder]
      const ids: string[] = []
      const append = async () => {
        const events = eventsOfKeys(25, 4)
        ids.push(...events.map(({ id }) => id))
        await writer.append(topic(), events)
      }
      const seen = () => recorders.reduce((sum, { events }) => sum + events.length, 0)
      const one = join(await open(), topic(), first)
      await append()
      const two = join(await open(), topic(), second)
      await append()
      await until('two share', () => isShared([first, second]))
      await one.stop()
      await append()
      const three = join(await open(), topic(), third)
      await append()
      await until('all are seen', () => seen() >= ids.length)
      await Promise.all([two.stop(), three.stop()])
      expect(recorders.flatMap(({ events }) => idsOf(events))).to.have.members(ids)
      expect(seen()).to.equal(ids.length)
    })

    it('shares the partitions between processes, and gives those of a killed one to the others', async function () {
      this.timeout(60_000)
      const cursors: Cursors = new Map()
      const writer = await open()
      const members = [start(cursors), start(cursors)]
      const [one, two] = members as [ProcessMember, ProcessMember]
      await until('two processes share', () => isShared(members))
      const ids: string[] = []
      const append = async () => {
        const events = eventsOfKeys(30, 10)
        ids.push(...events.map(({ id }) => id))
        await writer.append(topic(), events)
      }
      await append()
      await until('both have read', () => one.ids.length + two.ids.length === ids.length)
      one.busy = true
      await append()
      await until('one is busy', () => one.questions.at(-1)?.kind === 'batch')
      one.signal('SIGKILL')
      await until('the other holds all', () => two.held.size === PARTITIONS)
      await until('all are read', () => one.ids.length + two.ids.length === ids.length)
      expect([...one.ids, ...two.ids]).to.have.members(ids)
    })

    it('gives the partitions of a process that sleeps through its lease to others, and takes them from it when it wakes', async function () {
      this.timeout(60_000)
      const cursors: Cursors = new Map()
      const members = [start(cursors), start(cursors)]
      const [sleeper, other] = members as [ProcessMember, ProcessMember]
      await until('two processes share', () => isShared(members))
      const lost = [...sleeper.held]
      const asleepSince = Date.now()
      sleeper.signal('SIGSTOP')
      await until('the other holds all', () => other.held.size === PARTITIONS)
      expect(Date.now() - asleepSince).to.be.greaterThan(LEASE / 2)
      sleeper.signal('SIGCONT')
      await until('all that it held was revoked', () =>
        lost.every((partition) => sleeper.questions.some((one) => one.kind === 'revoked' && one.partition === partition)),
      )
      await until('both share again', () => isShared(members))
    })
  })
}
