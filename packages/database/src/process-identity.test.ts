import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { isGone, processIdentity } from './process-identity.ts'

describe('process identity', () => {
  it('differs at each call and stays short enough for a column', () => {
    expect(processIdentity()).to.not.equal(processIdentity())
    expect(processIdentity().length).to.be.at.most(100)
  })

  it('never calls a living owner gone', () => {
    expect(isGone(processIdentity())).to.equal(false)
  })

  it('knows that an owner whose process was killed is gone', async () => {
    const script = `import { processIdentity } from '${import.meta.dirname}/process-identity.ts'
      console.log(processIdentity()); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [output] = (await once(child.stdout, 'data')) as [Buffer]
    const owner = output.toString().trim()
    expect(isGone(owner)).to.equal(false)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isGone(owner)).to.equal(true)
  })

  it('takes a process number that is used again for another owner', () => {
    const [host, where, pid, start, nonce] = processIdentity().split('/')
    expect(isGone([host, where, pid, `${Number(start) - 1}`, nonce].join('/'))).to.equal(true)
  })

  it('does not judge owners of another machine, container or boot', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'process.pid'])
    expect(isGone(`elsewhere/00000000.1/${stdout.trim()}/1/aaaa`)).to.equal(false)
    expect(isGone('some-old-name')).to.equal(false)
  })
})
