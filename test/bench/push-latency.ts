import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { createLazada } from '@tributary/channels/lazada'
import { addApp, listApps } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'
import { createRowIds } from '@tributary/events'
import { createIngest } from '@tributary/ingest'
import { createProjector } from '@tributary/projector'
import { createHttpServer, createLogger } from '@tributary/runtime'
import { createLazadaMarketplace, type LazadaSimulator } from '@tributary/test/simulators/lazada'
import { openVault } from '@tributary/vault'
import { inTurns, latency, quantile, type Row } from './benchmark.ts'
import { benchDatabase } from './server.ts'

const A_SECOND = 200
const SECONDS = 15
const WARM_UP = 100

/** Lazada's pushes at 200 a second while projections run: the slowest answer of a thousand (99.9th percentile). */
export async function pushLatency(): Promise<Row> {
  const lazada = await createLazadaMarketplace({ seed: 3 })
  const ours = await gateway(lazada)
  const bare = await bareServer()
  try {
    const measured = await inTurns(1, {
      ours: () => slowestAnswer(lazada, ours.url),
      bare: () => slowestAnswer(lazada, bare.url),
    })
    return latency('Lazada: answer at 200/s, 99.9th percentile', measured.ours, measured.bare)
  } finally {
    await ours.close()
    await bare.close()
    await lazada.close()
  }
}

/** Ingest over a real log, and every projection reading what comes in. */
async function gateway(lazada: LazadaSimulator) {
  const { url, database, drop } = await benchDatabase('push')
  await addApp(database, { channel: 4, name: 'bench', ...lazada.app, scopes: [...lazada.app.scopes] })
  const log = await openEventLog({ url, database, partitions: 4 })
  const vault = await openVault({ database, masterKeys: [randomBytes(32)] })
  const logger = createLogger({ level: 'silent', format: 'json' })
  const channel = createLazada({ urls: lazada.urls, budget: { take: async () => {} }, apps: () => listApps(database, 4) })
  const context = { configuration: { wework: {} }, database, log, vault, logger }
  const ingest = createIngest({ ...context, channels: new Map([[4, channel]]), rowIds: createRowIds({ worker: 0 }) })
  const projector = createProjector(context)
  const server = createHttpServer({ host: '127.0.0.1', port: 0, logger, routers: [ingest.router], health: [] })
  await projector.start()
  await ingest.start()
  await server.start()
  return {
    url: `${server.url}/open/order/callback/4`,
    async close() {
      await server.stop()
      await ingest.stop()
      await projector.stop()
      await log.close()
      await drop()
    },
  }
}

async function bareServer() {
  const server = createServer((incoming, response) => {
    incoming.resume().on('end', () => response.end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function slowestAnswer(lazada: LazadaSimulator, url: string): Promise<number> {
  const agent = new Agent({ keepAlive: true })
  const { sellerId } = lazada.addSeller()
  const messages = Array.from({ length: WARM_UP + A_SECOND * SECONDS }, (_, index) => messageOf(lazada, sellerId, index))
  const times: number[] = []
  for (const message of messages.splice(0, WARM_UP)) await post(agent, url, message)
  const begin = performance.now()
  const sending: Promise<void>[] = []
  for (const [count, message] of messages.entries()) {
    const due = begin + (count * 1_000) / A_SECOND
    if (due > performance.now()) await wait(due - performance.now())
    sending.push(post(agent, url, message).then((time) => void times.push(time)))
  }
  await Promise.all(sending)
  agent.destroy()
  return quantile(times, 0.999)
}

/** Each of another order, as Lazada writes it. */
function messageOf(lazada: LazadaSimulator, sellerId: string, index: number) {
  const seconds = Math.floor(Date.now() / 1_000)
  const order = `9${String(seconds).slice(-6)}${String(index).padStart(9, '0')}`
  const data = `{"order_status":"pending","trade_order_id":"${order}","trade_order_line_id":"${order}1","status_update_time":${seconds}}`
  return lazada.push(`{"seller_id":"${sellerId}","message_type":0,"data":${data},"timestamp":${seconds},"site":"lazada_th"}`)
}

function post(agent: Agent, url: string, { body, authorization }: { body: Buffer; authorization: string }): Promise<number> {
  const begin = performance.now()
  return new Promise((resolve, reject) => {
    const headers = { authorization, 'content-type': 'application/json', 'content-length': body.length }
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().on('end', () => {
        if (answer.statusCode !== 200) process.stderr.write(`A push was answered with ${answer.statusCode}.\n`)
        resolve(performance.now() - begin)
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
