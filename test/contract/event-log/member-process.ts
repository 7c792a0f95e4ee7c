import { openUnderTest } from './log-under-test.ts'

/** What the test tells this process to do, as its first message. */
export type Orders = { url: string; databaseUrl?: string; topic: string; group: string }
/** What this process asks of the test, which plays the database that holds the cursors. */
export type Question =
  | { number: number; kind: 'assigned' | 'revoked'; partition: number }
  | { number: number; kind: 'batch'; partition: number; ids: string[]; next: number }
export type Answer = { number: number; position: number }

const waiting = new Map<number, (position: number) => void>()
let asked = 0

/** One member of a group in a process of its own. Run with `fork`; ends with its parent. */
async function main({ topic, group, ...server }: Orders): Promise<void> {
  process.on('message', ({ number, position }: Answer) => waiting.get(number)?.(position))
  process.on('disconnect', () => process.exit())
  const log = await openUnderTest(server)
  await log.follow({
    topic,
    group,
    signal: new AbortController().signal,
    follower: {
      assigned: (partition) => ask((number) => ({ number, kind: 'assigned', partition })),
      batch: async (partition, { events, next }) => {
        const ids = events.map(({ event }) => event.id)
        await ask((number) => ({ number, kind: 'batch', partition, ids, next }))
      },
      revoked: async (partition) => {
        await ask((number) => ({ number, kind: 'revoked', partition }))
      },
    },
  })
}

function ask(make: (number: number) => Question): Promise<number> {
  const question = make(asked++)
  return new Promise((resolve) => {
    waiting.set(question.number, resolve)
    process.send?.(question)
  })
}

process.once('message', (orders: Orders) => void main(orders))
