import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerQuestions, type OwnProcess, ownProcess } from './own-process.ts'

/**
 * What came on one path since the last time it was asked: `ages` are milliseconds from an event's time to its arrival, and
 * `arrivals` when that was, milliseconds since 1970.
 */
export type Received = { count: number; ages: number[]; arrivals: number[] }

type Questions = {
  url(): Promise<string>
  take(path: string): Received
  /** From now on the path answers 500, or 200 again. */
  fail(path: string, failing: boolean): void
}

/** A receiver in a process of its own. Each path is an endpoint: `/ok`, `/hang` (ten seconds), `/fail` (500), any other is ok. */
export type BenchReceiver = OwnProcess<Questions> & { readonly url: string }

const HANG = 10_000

export async function startReceiver(): Promise<BenchReceiver> {
  const receiver = ownProcess<Questions>(import.meta.filename, ['receive'])
  return { ...receiver, url: await receiver.ask('url') }
}

async function receive(): Promise<void> {
  const received = new Map<string, Received>()
  const failing = new Set(['/fail'])
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    const arrival = Date.now()
    const age = arrival - Date.parse(String(request.headers['ce-time'] ?? ''))
    request.resume()
    request.on('end', () => {
      if (path === '/hang') return void setTimeout(() => response.end(), HANG).unref()
      response.statusCode = failing.has(path) ? 500 : 200
      if (response.statusCode === 200) {
        const of = received.get(path) ?? { count: 0, ages: [], arrivals: [] }
        received.set(path, of)
        of.count += 1
        if (!Number.isNaN(age)) {
          of.ages.push(age)
          of.arrivals.push(arrival)
        }
      }
      response.end()
    })
  })
  server.keepAliveTimeout = 60_000
  const listening = once(server.listen(0, '127.0.0.1'), 'listening')
  answerQuestions({
    url: async () => {
      await listening
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
    take: (path) => {
      const found = received.get(path) ?? { count: 0, ages: [], arrivals: [] }
      received.delete(path)
      return found
    },
    fail: (path, isFailing) => {
      if (isFailing) failing.add(path)
      else failing.delete(path)
    },
  } satisfies Questions)
}

if (process.argv[1] === import.meta.filename && process.argv[2] === 'receive') await receive()
