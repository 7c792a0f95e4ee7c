import { setTimeout as wait } from 'node:timers/promises'
import { serve } from '../simulators/serving.ts'
import { latency, quantile, type Row } from './benchmark.ts'
import { bytesOf, createPoster, type Post, type Poster } from './posting.ts'

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
    const least = process.env['ZZ_NOBARE']
      ? 1
      : quantile(await answerTimes(bare.origin, make(WARM_UP + A_SECOND * SECONDS)), 0.999)
    const ours = quantile(await answerTimes(url, make(WARM_UP + A_SECOND * SECONDS)), 0.999)
    return latency(`${name}: answer at 200/s, 99.9th percentile`, ours, least)
  } finally {
    await bare.close()
  }
}

/** Posts evenly and answers how long each took, milliseconds; without those that warm up. */
async function answerTimes(url: string, posts: readonly Post[]): Promise<number[]> {
  const poster = createPoster(url)
  const times: number[] = []
  const all = posts.map((post) => bytesOf(url, post))
  for (const bytes of all.slice(0, WARM_UP)) await timed(poster, bytes)
  const begin = performance.now()
  const sending: Promise<void>[] = []
  for (const [count, bytes] of all.slice(WARM_UP).entries()) {
    const rest = begin + (count * 1_000) / A_SECOND - performance.now()
    if (rest > 0) await wait(rest)
    sending.push(timed(poster, bytes).then((time) => void times.push(time)))
  }
  await Promise.all(sending)
  poster.close()
  return times
}

async function timed(poster: Poster, bytes: Buffer): Promise<number> {
  const begin = performance.now()
  const status = await poster.post(bytes)
  // On a machine that does much else, one may not be kept in time; its sender would send it again.
  if (status !== 200) process.stderr.write(`A post was answered with ${status}.\n`)
  return performance.now() - begin
}
