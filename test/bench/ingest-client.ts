import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'

/** A notification as it goes over the wire. */
export type SignedRequest = { body: string; signature: string }

const CONNECTIONS = 64

/**
 * The sender of the ingest benchmark, in a process of its own so that it does not share a thread with what it measures.
 * Reads `<url> <file of signed requests>` from the command line, posts each once over kept-alive connections, and prints
 * `{ seconds, answers }`: how long it took and how often each status came.
 */
const [url = '', file = ''] = process.argv.slice(2)
const requests = JSON.parse(await readFile(file, 'utf8')) as SignedRequest[]
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
const answers: Record<string, number> = {}
let next = 0

const started = performance.now()
await Promise.all(Array.from({ length: CONNECTIONS }, sendInTurn))
const seconds = (performance.now() - started) / 1_000
agent.destroy()
process.stdout.write(JSON.stringify({ seconds, answers }))

async function sendInTurn(): Promise<void> {
  for (;;) {
    const one = requests[next++]
    if (!one) return
    const status = await post(one)
    answers[status] = (answers[status] ?? 0) + 1
  }
}

function post({ body, signature }: SignedRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'X-EBAY-SIGNATURE': signature,
    }
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode ?? 0))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
