import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'

describe('the program', () => {
  it('ends with the code of what it did, also when nobody reads what it says', async () => {
    const child = spawn(process.execPath, [`${import.meta.dirname}/main.ts`, 'nonsense'], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stderr.destroy()
    const [code] = (await once(child, 'exit')) as [number]
    expect(code).to.equal(64)
  })
})
