import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'

type Heap = { before: number; after: number; large: number }

/** How far the heap of a process lets itself grow, megabytes, that was to serve and found no configuration. */
async function heapOf(...services: string[]): Promise<Heap> {
  const program = join(import.meta.dirname, '../main.ts')
  const hook = join(import.meta.dirname, '../testing/heap-at-exit.ts')
  const child = spawn(process.execPath, ['--import', hook, program, 'serve', ...services], {
    env: { ...process.env, NODE_OPTIONS: '', TRIBUTARY_CONFIG: join(import.meta.dirname, 'no-such-file.yaml') },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [told] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return JSON.parse(told.trim().split('\n').at(-1) ?? '')
}

describe('a process that serves', () => {
  it('keeps its heap small where it only delivers, and lets it grow where it does more', async () => {
    const [alone, together] = await Promise.all([heapOf('dispatcher'), heapOf('dispatcher', 'projector')])
    expect(alone.after, 'young generation').to.equal(alone.before)
    expect(together.after).to.be.above(together.before)
    // 60 MB of them live. By itself V8 lets them grow to seven times that.
    expect(alone.large, 'large objects').to.be.below(200)
    expect(together.large).to.be.above(300)
  }).timeout(60_000)
})
