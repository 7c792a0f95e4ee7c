import { expect } from 'chai'
import { playHistory } from './testing/random-history/play.ts'
import { type History, NOTHING_YET } from './testing/random-history/world.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const HISTORIES = 10_000
/** Played beside each other, because a history mostly waits. */
const ABREAST = 100

describe(`Lanes in random histories (seed ${SEED})`, () => {
  it(`${HISTORIES} times: nothing is lost, no key is inverted, nothing known to be delivered is sent again`, async () => {
    const sums = { ...NOTHING_YET }
    for (let first = SEED; first < SEED + HISTORIES; first += ABREAST) {
      const seeds = Array.from({ length: ABREAST }, (_, index) => first + index)
      for (const history of await Promise.all(seeds.map(playAndCheck))) {
        for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += history[name]
      }
    }
    // Without these the test would prove nothing.
    expect(sums.crashes, 'crashes').to.be.above(HISTORIES / 4)
    expect(sums.zombies, 'zombies').to.be.above(HISTORIES / 10)
    expect(sums.stops, 'stops').to.be.above(HISTORIES / 2)
    expect(sums.pauses, 'pauses').to.be.above(HISTORIES / 10)
    expect(sums.skips, 'skips').to.be.above(HISTORIES / 10)
    expect(sums.refusals, 'refusals').to.be.above(HISTORIES / 10)
    expect(sums.reorders, 'changed orders').to.be.above(HISTORIES / 2)
    expect(sums.givenUp, 'given up').to.be.above(HISTORIES / 100)
    expect(sums.duplicates, 'duplicates').to.be.above(0)
  }).timeout(300_000)
})

async function playAndCheck(seed: number): Promise<History> {
  try {
    const history = await playHistory(seed)
    const { lost, inversions, repeated } = history
    expect({ lost, inversions, repeated }).to.deep.equal({ lost: 0, inversions: 0, repeated: 0 })
    return history
  } catch (error) {
    throw new Error(`The history of seed ${seed} went wrong: ${(error as Error).message}`, { cause: error })
  }
}
