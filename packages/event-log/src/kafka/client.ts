import type { Logger } from '@tributary/runtime'
import { type ISocketFactory, Kafka, logLevel } from 'kafkajs'
import { EventLogError } from '../port.ts'
import type { FetchedMessage } from './messages.ts'
import type { KafkaAddress } from './url.ts'

/** A broker as kafkajs has it inside; only what we use. */
export type Broker = {
  fetch(request: {
    maxWaitTime: number
    minBytes: number
    maxBytes: number
    isolationLevel: number
    topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[]
  }): Promise<{ responses: { partitions: FetchedPartition[] }[] }>
}

export type FetchedPartition = {
  partition: number
  highWatermark: string
  abortedTransactions?: unknown
  messages: (FetchedMessage & { isControlRecord?: boolean })[]
}

/** A cluster as kafkajs has it inside; only what we use. */
export type Cluster = {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  refreshMetadata(): Promise<void>
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[]
  findBroker(which: { nodeId: string }): Promise<Broker>
  fetchTopicsOffset(
    topics: { topic: string; partitions: { partition: number }[]; fromBeginning?: boolean; fromTimestamp?: number }[],
  ): Promise<{ topic: string; partitions: { partition: number; offset: string }[] }[]>
}

type CreateCluster = (options: { metadataMaxAge: number; allowAutoTopicCreation: boolean; isolationLevel: number }) => Cluster

const CREATE_CLUSTER = 'private:Kafka:createCluster'
/**
 * All that is written, also behind transactions of others that are still open: ours never are part of one, and somebody
 * else's that hangs must not hide what we appended.
 */
export const READ_UNCOMMITTED = 0
/** Milliseconds. A request that is not answered by then has failed: nothing waits for ever on a connection that is open. */
export const PATIENCE = 15_000

/** kafkajs on an address. Nothing is dialled. Tests shorten `patience`. */
export function createKafka(
  { client }: KafkaAddress,
  logger: Logger | undefined,
  { socketFactory, patience = PATIENCE }: { socketFactory?: ISocketFactory; patience?: number } = {},
): Kafka {
  return new Kafka({
    ...client,
    ...(socketFactory ? { socketFactory } : {}),
    clientId: 'tributary',
    connectionTimeout: 3_000,
    authenticationTimeout: 5_000,
    requestTimeout: patience,
    enforceRequestTimeout: true,
    retry: { retries: 4, initialRetryTime: 100, maxRetryTime: 2_000 },
    logLevel: logLevel.ERROR,
    logCreator:
      () =>
      ({ namespace, log: { message, error } }) =>
        logger?.debug({ namespace, error }, message),
  })
}

/**
 * The cluster beneath a client of kafkajs. Its consumers can only join groups; reading a partition at a position, which is
 * all that we need, stands one floor below and is not exported. The version is pinned, and should another one have moved
 * it, this says so at the first call and not by reading nothing. Throws EventLogError LOG_UNAVAILABLE.
 */
export function createCluster(kafka: Kafka): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER)
  const create = symbol && (kafka as unknown as Record<symbol, CreateCluster>)[symbol]
  if (create) return create({ metadataMaxAge: 60_000, allowAutoTopicCreation: false, isolationLevel: READ_UNCOMMITTED })
  throw new EventLogError('LOG_UNAVAILABLE', 'This version of kafkajs hides how it reads; the driver needs version 2.2.', {
    retriable: false,
  })
}
