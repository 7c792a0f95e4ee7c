import { spawnSync } from 'node:child_process'
import { expect } from 'chai'

/** Runs in a process of its own: the flags count for all that comes after. */
const PROGRAM = `
  import { getHeapSpaceStatistics } from 'node:v8'
  import { Worker } from 'node:worker_threads'
  import { keepHeapSmall } from '${import.meta.dirname}/small-heap.ts'
  const report = \`
    const young = process.getBuiltinModule('v8').getHeapSpaceStatistics().find((one) => one.space_name === 'new_space').space_size
    console.log(Math.round(young / 2 ** 20))\`
  keepHeapSmall()
  eval(report)
  new Worker('const kept = []; for (let n = 0; n < 60; n++) kept.push(Array.from({ length: 20_000 }, () => [n]));' + report, { eval: true })
`

describe('a small heap', () => {
  it('has a young generation of 32 MB here and in every thread, however little or much was loaded', () => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', PROGRAM], {
      encoding: 'utf8',
    })
    expect(stderr).to.equal('')
    expect(stdout).to.equal('32\n32\n')
  })

  it('is left as it is where V8 was told to keep the young generation smaller', () => {
    const flags = ['--max-semi-space-size=2', '--input-type=module-typescript', '-e', PROGRAM]
    const { stdout, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8' })
    expect(stderr).to.equal('')
    expect(Number(stdout.split('\n')[0])).to.be.at.most(8)
  })
})
