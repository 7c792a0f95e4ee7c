import { setTimeout as wait } from 'node:timers/promises'
import { type RunningConsumer, startConsumer } from '@tributary/consumer'
import { openDatabase } from '@tributary/database'
import { createEndpoint, createSender, endpointConsumer, type SigningKey, SPI_POLICY, signingKey } from '@tributary/delivery'
import { openEventLog } from '@tributary/event-log'
import { type Event, ORDER_TOPIC } from '@tributary/events'
import { collectSparingly, createLogger, keepHeapSmall } from '@tributary/runtime'
import { answerQuestions, type OwnProcess, ownProcess } from './own-process.ts'

export const BODY = 'x'.repeat(1_000)

/** An endpoint at `url` that gets the events whose share, 0 to 99 by their key, is from the first to before the second. */
export type Delivering = { name: string; url: string; shares?: readonly [number, number] }

/** `resident` is the most that the process ever took, in MB; `processor` what it has used, in microseconds. */
export type Usage = { resident: number; processor: number }

type Questions = {
  /** Starts from its cursor, or from the beginning of the log. */
  start(delivering: Delivering): void
  /** Answers when an endpoint has every partition. */
  settled(name: string): void
  stop(name: string): void
  usage(): Usage
}

/** What delivers, in a process of its own as the dispatcher is. */
export type Engine = OwnProcess<Questions>

export const startEngine = (url: string, partitions: number): Engine =>
  ownProcess<Questions>(import.meta.filename, [url, String(partitions)])

export function benchKeys(): readonly SigningKey[] {
  const made = signingKey('a secret for benches only')
  if (made.kind !== 'key') throw new Error(made.problem)
  return [made.key]
}

const shareOf = ({ partitionkey }: Event): number => Number(partitionkey.slice(partitionkey.lastIndexOf('-') + 1)) % 100

async function deliver(url: string, partitions: number): Promise<void> {
  const database = openDatabase(url)
  const log = await openEventLog({ url, database, partitions, lease: 1_000 })
  const logger = createLogger({ level: 'error', format: 'json' })
  const sender = createSender({ reach: { scope: 'internal', allow: [] } })
  const keys = benchKeys()
  const running = new Map<string, RunningConsumer>()

  const start = ({ name, url: to, shares: [from, before] = [0, 100] }: Delivering): void => {
    const endpoint = createEndpoint(
      {
        name: `bench:${name}`,
        topic: ORDER_TOPIC,
        group: `bench:${name}`,
        types: ['OrderReceived'],
        contract: 1,
        policy: { limits: { ...SPI_POLICY.limits, probeEvery: 1_000 } },
        route: async (events) =>
          events.map((event) => (shareOf(event) >= from && shareOf(event) < before ? 'deliver' : 'pass')),
        bodies: async (events) => events.map(() => BODY),
      },
      sender,
    )
    endpoint.retarget({ url: to, keys })
    running.set(name, startConsumer({ definition: endpointConsumer(endpoint, { log, logger }), database, log, logger }))
  }
  const isSettled = async (name: string) =>
    (await running.get(name)?.figures())?.partitions.every(({ stage }) => stage !== 'elsewhere')

  answerQuestions({
    start,
    settled: async (name) => {
      while (!(await isSettled(name))) await wait(20)
    },
    stop: async (name) => {
      await running.get(name)?.stop()
      running.delete(name)
    },
    usage: () => {
      const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
      return { resident: maxRSS / 1_024, processor: userCPUTime + systemCPUTime }
    },
  } satisfies Questions)
}

const [url, partitions] = process.argv.slice(2)
if (process.argv[1] === import.meta.filename && url) {
  // As `tributary serve dispatcher` does.
  keepHeapSmall()
  collectSparingly()
  await deliver(url, Number(partitions))
}
