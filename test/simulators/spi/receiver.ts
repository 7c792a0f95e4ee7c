import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { createFaultPlan, type FaultPlan } from './fault-plan.ts'
import { answerWell, answerWith, type Fault, keepsRequest } from './faults.ts'
import { createRecord, type DeliveryRecord } from './record.ts'

/** An SPI service over real HTTP that checks signatures with the official library, as docs/receiving.md tells receivers to. */
export type SpiReceiver = {
  /** Where to send. */
  readonly url: string
  readonly port: number
  readonly record: DeliveryRecord
  /** Requests refused with 401 because their signature was missing or wrong. */
  readonly unverified: number
  /** Requests being answered right now, and the most there were at one time. */
  readonly open: number
  readonly mostOpen: number
  /** Connections that were ever made. */
  readonly connections: number
  /** Does this wrong from now on: with the requests of one key, or all; `times` times, or until `heal`. */
  fault(fault: Fault, options?: { key?: string; times?: number }): void
  /** Does everything right again: for one key, or all. */
  heal(key?: string): void
  /** Called after each arrival; answers how to stop that. */
  onArrival(listener: () => void): () => void
  close(): Promise<void>
}

type Receiving = {
  readonly verifier: Webhook
  readonly record: DeliveryRecord
  readonly plan: FaultPlan
  readonly listeners: Set<() => void>
  readonly counts: { unverified: number; open: number; mostOpen: number; connections: number }
}

/** Starts a receiver on loopback, on `port` or a free one, that knows the secret of `eg_spi.secret`. */
export async function createSpiReceiver(options: { secret: string; port?: number }): Promise<SpiReceiver> {
  const receiving: Receiving = {
    verifier: verifierOf(options.secret),
    record: createRecord(),
    plan: createFaultPlan(),
    listeners: new Set(),
    counts: { unverified: 0, open: 0, mostOpen: 0, connections: 0 },
  }
  const { counts, listeners, plan, record } = receiving
  const server = serve(receiving)
  const port = await listen(server, options.port ?? 0)
  return {
    url: `http://127.0.0.1:${port}/spi/order`,
    port,
    record,
    get unverified() {
      return counts.unverified
    },
    get open() {
      return counts.open
    },
    get mostOpen() {
      return counts.mostOpen
    },
    get connections() {
      return counts.connections
    },
    fault: (fault, { key, times = Number.POSITIVE_INFINITY } = {}) => plan.add(fault, { key, times }),
    heal: (key) => plan.clear(key),
    onArrival(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function serve(receiving: Receiving): Server {
  const { counts } = receiving
  const server = createServer((request, response) => {
    counts.open += 1
    counts.mostOpen = Math.max(counts.mostOpen, counts.open)
    response.once('close', () => {
      counts.open -= 1
    })
    // A sender that breaks off, or an answer that cannot be written any more, is no trouble of the receiver's.
    receive(receiving, request, response).catch(() => response.destroy())
  })
  server.on('connection', () => {
    counts.connections += 1
  })
  return server
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}

async function receive(receiving: Receiving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { verifier, counts, plan, record, listeners } = receiving
  const body = await bodyOf(request)
  const headers = request.headers as Record<string, string>
  if (!isVerified(verifier, body, headers)) {
    counts.unverified += 1
    response.writeHead(401).end()
    return
  }
  const { channel, sellerId, orderId, type } = JSON.parse(body) as Record<string, string>
  const key = `${channel}:${sellerId}:${orderId}`
  const fault = plan.next(key)
  const taken = !fault || keepsRequest(fault)
  record.add({ id: headers['webhook-id'] ?? '', key, type: type ?? '', time: Date.now(), taken, headers, body })
  for (const listener of listeners) listener()
  if (fault) await answerWith(fault, response)
  else answerWell(response)
}

/** The key is the bytes behind `whsec_`, or the UTF-8 bytes of a secret without that. */
function verifierOf(secret: string): Webhook {
  return secret.startsWith('whsec_') ? new Webhook(secret) : new Webhook(Buffer.from(secret, 'utf8'), { format: 'raw' })
}

function isVerified(verifier: Webhook, body: string, headers: Record<string, string>): boolean {
  try {
    verifier.verify(body, headers)
    return true
  } catch {
    return false
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
