import { spawnSync } from 'node:child_process'
import { expect } from 'chai'

/** Runs in a process of its own: the flags count for all that comes after. Has V8 tell of each collection and of each thread's share. */
const PROGRAM = `
  import { setFlagsFromString } from 'node:v8'
  import { collectSparingly } from '${import.meta.dirname}/sparing-collector.ts'
  collectSparingly()
  setFlagsFromString('--trace-gc')
  setFlagsFromString('--trace-parallel-scavenge')
  const kept = []
  for (let made = 0; made < 300_000; made += 1) kept[made % 100_000] = [made, { made }]
`

describe('a sparing collector', () => {
  it('moves what is young in one thread', () => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', PROGRAM], {
      encoding: 'utf8',
    })
    expect(stderr).to.equal('')
    const shares = stdout.match(/scavenge\[/g) ?? []
    const collections = stdout.match(/ms: Scavenge /g) ?? []
    expect(collections.length).to.be.above(2)
    expect(shares).to.have.length(collections.length)
  })
})
