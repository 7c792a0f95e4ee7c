import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { createContactSync } from '@tributary/contact-sync'
import { openEventLog } from '@tributary/event-log'
import { createRowIds } from '@tributary/events'
import { createIngest } from '@tributary/ingest'
import { createHttpServer, createLogger } from '@tributary/runtime'
import { openVault } from '@tributary/vault'
import { signedRequest, type WecomSimulator, xmlOf } from '../simulators/wecom/index.ts'
import { quantile } from './benchmark.ts'
import { benchDatabase } from './server.ts'

export type CallbackServer = { url: string; close(): Promise<void> }

const CUSTOMER = 'bench'
const A_SECOND = 200
const SECONDS = 15

/** Ingest over a real log, with the consumer that keeps the directory reading what comes in. */
export async function callbackServer(wecom: WecomSimulator): Promise<CallbackServer> {
  const { url, database, drop } = await benchDatabase('wecom')
  const log = await openEventLog({ url, database, partitions: 4 })
  const vault = await openVault({ database, masterKeys: [randomBytes(32)] })
  const logger = createLogger({ level: 'silent', format: 'json' })
  const configuration = { wework: { [CUSTOMER]: wecom.customer }, contactSync: { intervalHours: 24, callsPerSecond: 100 } }
  const context = { configuration, database, log, vault, channels: new Map(), rowIds: createRowIds({ worker: 0 }), logger }
  const ingest = createIngest(context)
  const contactSync = createContactSync(context)
  const server = createHttpServer({ host: '127.0.0.1', port: 0, logger, routers: [ingest.router], health: [] })
  await contactSync.start()
  await server.start()
  return {
    url: server.url,
    async close() {
      await server.stop()
      await ingest.stop()
      await contactSync.stop()
      await log.close()
      await drop()
    },
  }
}

const WARM_UP = 50

/** Sends callbacks evenly, 200 a second, each of another member, and answers the 99.9th percentile in milliseconds. */
export async function slowestAnswer(wecom: WecomSimulator, url: string): Promise<number> {
  const access = wecom.access(url, CUSTOMER, 'self-built')
  const agent = new Agent({ keepAlive: true })
  const times: number[] = []
  const round = randomBytes(4).toString('hex')
  const send = (name: string) => {
    const fields = wecom.change(wecom.selfBuilt, 'create_user', { UserID: `${round}-${name}`, Name: '张三', Department: '1,2' })
    const { query, body } = signedRequest(access, xmlOf(fields))
    return post(agent, `${access.url}?${query}`, body)
  }
  // The first ones make the topic and the data key, once in the life of a system.
  for (let count = 0; count < WARM_UP; count += 1) await send(`warm-${count}`).catch(() => {})
  const begin = performance.now()
  const sending: Promise<void>[] = []
  for (let count = 0; count < A_SECOND * SECONDS; count += 1) {
    const due = begin + (count * 1_000) / A_SECOND
    if (due > performance.now()) await wait(due - performance.now())
    sending.push(send(String(count)).then((time) => void times.push(time)))
  }
  await Promise.all(sending)
  agent.destroy()
  return quantile(times, 0.999)
}

function post(agent: Agent, url: string, body: string): Promise<number> {
  const begin = performance.now()
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(body) }
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().on('end', () => {
        // On a machine that does much else, one may not be kept in time; WeCom would send it again.
        if (answer.statusCode !== 200) process.stderr.write(`A callback was answered with ${answer.statusCode}.\n`)
        resolve(performance.now() - begin)
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
