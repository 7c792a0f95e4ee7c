import { pause } from '@tributary/runtime'
import type { Cluster } from './client.ts'
import { rootOf } from './failure.ts'

/** Milliseconds from one try to the next: together about as long as the producer of kafkajs has patience. */
const WAITS = [50, 100, 200, 400, 800, 1_600]

/**
 * What `work` answers, tried again with the cluster looked at anew while the brokers say what Kafka calls retriable: a
 * partition has another leader, or none yet. kafkajs does that for what it sends; what we ask of it one floor below it tries
 * once, with the leaders that it remembers. Throws what `work` throws in the end, and the reason of `signal`.
 */
export async function whileLeadersMove<T>(cluster: Cluster, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (const wait of WAITS) {
    try {
      return await work()
    } catch (error) {
      if (!isPassing(error)) throw error
    }
    await pause(wait, signal)
    signal?.throwIfAborted()
    // Fails while there is no leader; the next try says so, too.
    await cluster.refreshMetadata().catch(() => {})
  }
  return await work()
}

/** A broker's own word, and not a connection that broke: who waits for that are the callers of the log. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { name, type, retriable } = rootOf(error)
  return name === 'KafkaJSBrokerNotFound' || (type !== undefined && retriable === true)
}
