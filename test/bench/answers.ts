import { setTimeout as wait } from 'node:timers/promises'
import { serve } from '../simulators/serving.ts'
import { latency, quantile, type Row } from './benchmark.ts'
import { machineRan, shareRunning, watchMachine, withoutPauses } from './machine-pauses.ts'
import { bytesOf, createPoster, type Post, type Poster } from './posting.ts'

const A_SECOND = 200
const SECONDS = 15
/** The first ones make topics and data keys, and wait beside what takes up its partitions, once in the life of a process. */
const WARM_UP = 1_000

/**
 * The answer of which one in a thousand is slower (99.9th percentile), in milliseconds, to posts that come evenly, 200 a
 * second, against a server that reads them and only answers. `make` gives so many posts, no two alike.
 */
export async function slowestAnswers(name: string, url: string, make: (count: number) => Post[]): Promise<Row[]> {
  const bare = await serve((incoming, response) => incoming.resume().on('end', () => response.end()))
  try {
    const { times: least } = await answers(bare.origin, make(WARM_UP + A_SECOND * SECONDS))
    const { times, undisturbed, running } = await answers(url, make(WARM_UP + A_SECOND * SECONDS))
    const row = `${name}: answer at 200/s, 99.9th percentile`
    return [
      latency(row, quantile(times, 0.999), quantile(least, 0.999)),
      latency(`${row}, of those that met no pause of the machine`, quantile(undisturbed, 0.999), quantile(least, 0.999)),
      machineRan(name, running),
    ]
  } finally {
    await bare.close()
  }
}

/** How long each took, milliseconds, all of them and those in which the machine never stood still; and what share of the time it ran. */
type Answers = { times: number[]; undisturbed: number[]; running: number }

/** Posts evenly; those that warm up are not counted. */
async function answers(url: string, posts: readonly Post[]): Promise<Answers> {
  const poster = createPoster(url)
  const times: number[] = []
  const ends: number[] = []
  const all = posts.map((post) => bytesOf(url, post))
  for (const bytes of all.slice(0, WARM_UP)) await timed(poster, bytes)
  const machine = watchMachine()
  const from = Date.now()
  const begin = performance.now()
  const sending: Promise<void>[] = []
  for (const [count, bytes] of all.slice(WARM_UP).entries()) {
    const rest = begin + (count * 1_000) / A_SECOND - performance.now()
    if (rest > 0) await wait(rest)
    sending.push(
      timed(poster, bytes).then((time) => {
        times.push(time)
        ends.push(Date.now())
      }),
    )
  }
  await Promise.all(sending)
  const pauses = await machine.stop()
  poster.close()
  return { times, undisturbed: withoutPauses(pauses, times, ends), running: shareRunning(pauses, from, Date.now()) }
}

async function timed(poster: Poster, bytes: Buffer): Promise<number> {
  const begin = performance.now()
  const status = await poster.post(bytes)
  // On a machine that does much else, one may not be kept in time; its sender would send it again.
  if (status !== 200) process.stderr.write(`A post was answered with ${status}.\n`)
  return performance.now() - begin
}
