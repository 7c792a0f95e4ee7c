import { getHeapSpaceStatistics } from 'node:v8'

/** Of a megabyte each, so that they are kept apart from the young generation, which is large or small for itself. */
const LIVING = 60
const MADE = 600

/**
 * Loaded before a program, fills the heap with garbage when the program ends and prints as JSON how far it let itself grow, in MB:
 * the young generation before and after it was filled, and the large objects at most, of which 60 MB live.
 */
process.on('exit', () => {
  const before = megabytesOf('new_space')
  const short: unknown[] = []
  for (let made = 0; made < 1_500_000; made += 1) short[made % 100_000] = [`${made}`, { made }]
  const after = megabytesOf('new_space')
  const long: unknown[] = []
  let large = 0
  for (let made = 0; made < MADE; made += 1) {
    long[made % LIVING] = Array(131_072).fill(made)
    large = Math.max(large, megabytesOf('large_object_space'))
  }
  process.stdout.write(`${JSON.stringify({ before, after, large })}\n`)
})

function megabytesOf(name: string): number {
  const space = getHeapSpaceStatistics().find(({ space_name: found }) => found === name)
  return (space?.space_size ?? Number.NaN) / 1_048_576
}
