import { createHash, randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { type Request, type Response, Router } from 'express'
import { answerWithFault } from '../faults.ts'
import type { World } from './answering.ts'

type Message = { id: string; body: string; receipt: string; visibleTime: number; received: number }

export type SimulatedQueue = {
  /** Puts a message in; answers its id. */
  send(body: string): string
  /** How many messages nobody has removed. */
  readonly size: number
  /** Messages that were received and not removed can be received again at once, as after their time-out. */
  release(): void
  /** Resolves once the message is gone, or the time is over (milliseconds), and says which. */
  removed(id: string, within: number): Promise<boolean>
}

export const QUEUE_PATH = '/123456789012/order-change'
export const QUEUE_CREDENTIALS = { accessKeyId: 'AKIASIMULATED0000001', secretAccessKey: 'simulated' }
const VISIBILITY = 30_000

/** One standard queue of SQS behind its JSON protocol (`x-amz-target: AmazonSQS.…`), as far as the SDK speaks it for us. */
export function createQueue({ calls, faults }: Pick<World, 'calls' | 'faults'>): { queue: SimulatedQueue; routes: Router } {
  const messages = new Map<string, Message>()
  const changes = new EventEmitter().setMaxListeners(0)

  const visible = () => [...messages.values()].filter(({ visibleTime }) => visibleTime <= Date.now())

  async function changed(milliseconds: number): Promise<void> {
    await once(changes, 'change', { signal: AbortSignal.timeout(Math.max(1, milliseconds)) }).catch(() => undefined)
  }

  async function receive(input: Record<string, unknown>, isGone: () => boolean) {
    const until = Date.now() + Number(input['WaitTimeSeconds'] ?? 0) * 1000
    while (visible().length === 0 && Date.now() < until && !isGone()) await changed(Math.min(until - Date.now(), 1_000))
    if (isGone()) return {}
    const taken = visible().slice(0, Number(input['MaxNumberOfMessages'] ?? 1))
    for (const message of taken)
      Object.assign(message, { receipt: randomUUID(), visibleTime: Date.now() + VISIBILITY, received: message.received + 1 })
    if (taken.length === 0) return {}
    return {
      Messages: taken.map(({ id, body, receipt }) => ({
        MessageId: id,
        ReceiptHandle: receipt,
        Body: body,
        MD5OfBody: createHash('md5').update(body).digest('hex'),
      })),
    }
  }

  function remove(input: Record<string, unknown>) {
    const entries = (input['Entries'] ?? []) as { Id: string; ReceiptHandle: string }[]
    for (const { ReceiptHandle } of entries)
      for (const [id, { receipt }] of messages) if (receipt === ReceiptHandle) messages.delete(id)
    changes.emit('change')
    return { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] }
  }

  async function handle(request: Request, response: Response): Promise<void> {
    const isReceive = request.header('x-amz-target') === 'AmazonSQS.ReceiveMessage'
    const operation = isReceive ? 'receive' : 'delete'
    calls.push(operation)
    const fault = faults.next(operation)
    if (fault?.kind === 'code') return refuse(response, { status: fault.status ?? 400, type: String(fault.code) })
    if (fault && answerWithFault(fault, response)) return
    const input = JSON.parse(String(request.body)) as Record<string, unknown>
    const refusal = refusalOf(request, input)
    if (refusal) return refuse(response, refusal)
    let isGone = false
    response.on('close', () => {
      isGone = true
      changes.emit('change')
    })
    const body = isReceive ? await receive(input, () => isGone) : remove(input)
    if (fault) request.socket.destroy()
    else response.type('application/x-amz-json-1.0').send(JSON.stringify(body))
  }

  const routes = Router()
  routes.post(/.*/, (request, response, next) => {
    if (request.header('x-amz-target')) handle(request, response).catch(next)
    else next()
  })

  const queue: SimulatedQueue = {
    send(body) {
      const id = randomUUID()
      messages.set(id, { id, body, receipt: '', visibleTime: 0, received: 0 })
      changes.emit('change')
      return id
    },
    get size() {
      return messages.size
    },
    release() {
      for (const message of messages.values()) message.visibleTime = 0
      changes.emit('change')
    },
    async removed(id, within) {
      const until = Date.now() + within
      while (messages.has(id) && Date.now() < until) await changed(until - Date.now())
      return !messages.has(id)
    },
  }
  return { queue, routes }
}

function refusalOf(request: Request, input: Record<string, unknown>): { status: number; type: string } | undefined {
  const target = request.header('x-amz-target') ?? ''
  if (!request.header('authorization')?.includes(`Credential=${QUEUE_CREDENTIALS.accessKeyId}/`))
    return { status: 403, type: 'com.amazonaws.sqs#InvalidClientTokenId' }
  const isKnown = ['AmazonSQS.ReceiveMessage', 'AmazonSQS.DeleteMessageBatch'].includes(target)
  if (isKnown && String(input['QueueUrl']).endsWith(QUEUE_PATH)) return undefined
  return { status: 400, type: 'com.amazonaws.sqs#QueueDoesNotExist' }
}

function refuse(response: Response, { status, type }: { status: number; type: string }): void {
  response
    .status(status)
    .type('application/x-amz-json-1.0')
    .send(JSON.stringify({ __type: type, message: 'simulated' }))
}
