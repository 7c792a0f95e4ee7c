import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What came on one path since the last time it was asked: `ages` are milliseconds from an event's time to its arrival. */
export type Received = { count: number; ages: number[] }

/** A receiver in a process of its own. Each path is an endpoint: `/ok`, `/hang` (ten seconds), `/fail` (500), any other is ok. */
export type BenchReceiver = {
  readonly url: string
  take(path: string): Promise<Received>
  /** From now on the path answers 500, or 200 again. */
  fail(path: string, failing: boolean): Promise<void>
  stop(): Promise<void>
}

type Question = { kind: 'take'; path: string } | { kind: 'fail'; path: string; failing: boolean }

const HANG = 10_000

export async function startReceiver(): Promise<BenchReceiver> {
  const child = fork(import.meta.filename, ['receive'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [port] = (await once(child, 'message')) as [number]
  let asking: Promise<unknown> = Promise.resolve()
  const ask = <T>(question: Question): Promise<T> => {
    const answer = asking.then(() => askOnce(child, question))
    asking = answer
    return answer as Promise<T>
  }
  return {
    url: `http://127.0.0.1:${port}`,
    take: (path) => ask<Received>({ kind: 'take', path }),
    fail: (path, failing) => ask<void>({ kind: 'fail', path, failing }),
    stop: async () => {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function askOnce(child: ChildProcess, question: Question): Promise<unknown> {
  child.send(question)
  const [answer] = await once(child, 'message')
  return answer
}

function receive(): void {
  const received = new Map<string, Received>()
  const failing = new Set(['/fail'])
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    const age = Date.now() - Date.parse(String(request.headers['ce-time'] ?? ''))
    request.resume()
    request.on('end', () => {
      if (path === '/hang') return void setTimeout(() => response.end(), HANG).unref()
      response.statusCode = failing.has(path) ? 500 : 200
      if (response.statusCode === 200) {
        const of = received.get(path) ?? { count: 0, ages: [] }
        received.set(path, of)
        of.count += 1
        if (!Number.isNaN(age)) of.ages.push(age)
      }
      response.end()
    })
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('message', (question: Question) => {
    if (question.kind === 'fail') {
      if (question.failing) failing.add(question.path)
      else failing.delete(question.path)
      process.send?.(null)
      return
    }
    process.send?.(received.get(question.path) ?? { count: 0, ages: [] })
    received.delete(question.path)
  })
  process.once('disconnect', () => process.exit(0))
}

if (process.argv[1] === import.meta.filename && process.argv[2] === 'receive') receive()
