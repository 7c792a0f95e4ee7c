import { inParts, observedCall } from '@tributary/runtime'
import { ChannelError, type NotificationQueue } from '../port.ts'
import { unlessAborted } from '../single-flight.ts'
import { readNotification, unreadableNotification } from './notification.ts'

export type AmazonQueueOptions = {
  /** Of the queue, for example `https://sqs.eu-west-1.amazonaws.com/123456789012/order-change`. */
  url: string
  /** Left out, the SDK looks where it does everywhere: environment, files, the role of the machine. */
  credentials?: { accessKeyId: string; secretAccessKey: string }
  /** Seconds that a fetch waits for messages; 20 unless said otherwise, which is the most there is. */
  wait?: number
  /** Milliseconds that a call may take beside that, to the last byte of its answer. Tests shorten it. */
  patience?: number
}

/** The most that SQS gives and takes at once. */
const BATCH = 10
const LONGEST_WAIT = 20
/** What was fetched and not removed comes again after so many seconds: longer than keeping ten messages takes. */
const VISIBILITY = 60
const PATIENCE = 10_000

/**
 * A standard queue of ours at SQS, into which Amazon puts ORDER_CHANGE: at least once, in no order. One try a call; whoever fetches goes on
 * after a while. The SDK is loaded with the first fetch, because most processes have no queue; its own time limit for a request only warns,
 * and ends with the head of an answer.
 */
export function createQueue({
  url,
  credentials,
  wait = LONGEST_WAIT,
  patience = PATIENCE,
}: AmazonQueueOptions): NotificationQueue {
  let opened: ReturnType<typeof open> | undefined

  async function open() {
    const sdk = await import('@aws-sdk/client-sqs')
    const client = new sdk.SQSClient({
      region: /^sqs[.-]([a-z0-9-]+)\.amazonaws\.com/.exec(new URL(url).hostname)?.[1] ?? 'us-east-1',
      endpoint: new URL(url).origin,
      maxAttempts: 1,
      requestHandler: { connectionTimeout: patience },
      ...(credentials === undefined ? {} : { credentials }),
    })
    return { client, sdk }
  }

  async function call<T>(
    what: string,
    signal: AbortSignal,
    send: (parts: Awaited<ReturnType<typeof open>>, options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted()
    opened ??= open()
    const parts = await opened
    const expired = AbortSignal.timeout(wait * 1_000 + patience)
    const either = AbortSignal.any([signal, expired])
    try {
      const observed = { channel: 'amazon', call: what, method: 'POST', url }
      // What looks for credentials hears no signal.
      const answered = async () => ({ status: 200, answer: await unlessAborted(send(parts, { abortSignal: either }), either) })
      return (await observedCall(observed, answered)).answer
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw failure(expired.aborted ? new Error(`no answer within ${wait + patience / 1_000} s`) : error, what)
    }
  }

  return {
    async receive(signal) {
      const { Messages = [] } = await call('ReceiveMessage', signal, ({ client, sdk }, options) => {
        const input = { QueueUrl: url, MaxNumberOfMessages: BATCH, WaitTimeSeconds: wait, VisibilityTimeout: VISIBILITY }
        return client.send(new sdk.ReceiveMessageCommand(input), options)
      })
      return Messages.map(({ Body = '', ReceiptHandle: receipt = '', MessageId: id = '' }) => ({
        receipt,
        notification: readNotification(Body) ?? unreadableNotification(`sqs:${id}`, Date.now()),
        body: Buffer.from(Body),
      }))
    },
    async remove(receipts, signal) {
      for (const batch of inParts(receipts, BATCH)) {
        const Entries = batch.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }))
        const { Failed = [] } = await call('DeleteMessageBatch', signal, ({ client, sdk }, options) =>
          client.send(new sdk.DeleteMessageBatchCommand({ QueueUrl: url, Entries }), options),
        )
        if (Failed.length > 0) throw failure(new Error(Failed[0]?.Code ?? 'Failed'), 'DeleteMessageBatch')
      }
    },
  }
}

/** What a person must change in AWS or here, by the names of its errors. */
const OF_PERSON =
  /^(?:AccessDenied|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|QueueDoesNotExist|CredentialsProvider)/

/** Only the error's name: AWS repeats account numbers and ARNs in its words. */
function failure(error: unknown, what: string): ChannelError {
  const name = error instanceof Error ? (error.name === 'Error' ? error.message : error.name) : 'unknown failure'
  const isOfPerson = OF_PERSON.test(name)
  const advice = isOfPerson ? '. Check qifu.eg.amazon.queue, its credentials and the policy of the queue' : ''
  return new ChannelError(
    isOfPerson ? 'CHANNEL_APP_REFUSED' : 'CHANNEL_UNAVAILABLE',
    `SQS did not do ${what} (${name})${advice}`,
    {
      remedy: isOfPerson ? 'person' : 'retry',
      cause: error,
    },
  )
}
