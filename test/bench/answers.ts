import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { serve } from '../simulators/serving.ts'
import { latency, quantile, type Row } from './benchmark.ts'

/** A request as a sender makes it, ready to go: making it costs nothing while answers are waited for. */
export type Post = { path: string; headers: Record<string, string>; body: string | Buffer }

const A_SECOND = 200
const SECONDS = 15
/** The first ones make topics and data keys, and wait beside what takes up its partitions, once in the life of a process. */
const WARM_UP = 1_000

/**
 * The answer of which one in a thousand is slower (99.9th percentile), in milliseconds, to posts that come evenly, 200 a
 * second, against a server that reads them and only answers. `make` gives so many posts, no two alike.
 */
export async function slowestAnswers(name: string, url: string, make: (count: number) => Post[]): Promise<Row> {
  const bare = await serve((incoming, response) => incoming.resume().on('end', () => response.end()))
  try {
    const least = quantile(await answerTimes(bare.origin, make(WARM_UP + A_SECOND * SECONDS)), 0.999)
    const ours = quantile(await answerTimes(url, make(WARM_UP + A_SECOND * SECONDS)), 0.999)
    return latency(`${name}: answer at 200/s, 99.9th percentile`, ours, least)
  } finally {
    await bare.close()
  }
}

/** Posts evenly and answers how long each took, milliseconds; without those that warm up. */
async function answerTimes(url: string, posts: readonly Post[]): Promise<number[]> {
  const agent = new Agent({ keepAlive: true })
  const times: number[] = []
  for (const one of posts.slice(0, WARM_UP)) await post(agent, url, one)
  const begin = performance.now()
  const sending: Promise<void>[] = []
  for (const [count, one] of posts.slice(WARM_UP).entries()) {
    const due = begin + (count * 1_000) / A_SECOND
    if (due > performance.now()) await wait(due - performance.now())
    sending.push(post(agent, url, one).then((time) => void times.push(time)))
  }
  await Promise.all(sending)
  agent.destroy()
  return times
}

function post(agent: Agent, url: string, { path, headers, body }: Post): Promise<number> {
  const begin = performance.now()
  return new Promise((resolve, reject) => {
    const length = { 'content-length': String(Buffer.byteLength(body)) }
    const sent = request(`${url}${path}`, { method: 'POST', agent, headers: { ...headers, ...length } }, (answer) => {
      answer.resume().on('end', () => {
        // On a machine that does much else, one may not be kept in time; its sender would send it again.
        if (answer.statusCode !== 200) process.stderr.write(`A post was answered with ${answer.statusCode}.\n`)
        resolve(performance.now() - begin)
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
