import type { Database } from '@tributary/database'
import type { Logger } from '@tributary/runtime'
import { type AppendQueue, createAppendQueue } from '../append-queue.ts'
import { createTailWatcher, type TailWatcher } from '../following/tail-watcher.ts'
import { untilPossible } from '../retriable.ts'
import { writeCalls } from './append-calls.ts'
import type { Topic, Topics } from './topics.ts'
import type { Written } from './write-batch.ts'

/** What a process keeps for a topic that it uses. */
export type OpenTopic = { topic: Topic; queue: AppendQueue; watcher: TailWatcher }

export type OpenTopics = {
  open(name: string): Promise<OpenTopic>
  /** Waits for a database that is away; undefined when `signal` aborts first. */
  openWhenPossible(name: string, signal: AbortSignal): Promise<OpenTopic | undefined>
  /** Resolves when nothing is being appended. */
  idle(): Promise<void>
}

/** One queue and one watcher a topic, whoever asks, so that appends share commits and followers share looks. */
export function createOpenTopics(database: Database, topics: Topics, logger: Logger | undefined): OpenTopics {
  const opened = new Map<number, OpenTopic>()

  async function open(name: string): Promise<OpenTopic> {
    const topic = await topics.open(name)
    const known = opened.get(topic.id)
    if (known) return known
    const watcher = createTailWatcher(() => topics.ends(topic), logger)
    const context = { database, topic, logger, onWritten: ({ ends }: Written) => watcher.advance(ends) }
    const queue = createAppendQueue(topic.name, (calls) => writeCalls(context, calls))
    const made = { topic, queue, watcher }
    opened.set(topic.id, made)
    return made
  }

  return {
    open,
    openWhenPossible: (name, signal) =>
      untilPossible(() => open(name), signal, { topic: name, trouble: 'The topic cannot be opened; trying on', logger }),
    idle: async () => {
      for (const { queue } of opened.values()) await queue.idle()
    },
  }
}
