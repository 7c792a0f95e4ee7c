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

  it('never calls a living owner gone that it may not look at, as where users see only their own processes', async function () {
    // A mount of its own, in a namespace of its own: the machine's stays as it is.
    const hidden = 'mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"'
    const look = `import { isGone } from '${import.meta.dirname}/process-identity.ts'
      console.log(isGone(process.env.OWNER))`
    const words = ['-m', 'sh', '-c', hidden, 'sh', process.execPath, '--input-type=module-typescript', '-e', look]
    const environment = { ...process.env, OWNER: processIdentity(), NODE_DISABLE_COMPILE_CACHE: '1' }
    const { stdout, stderr = '' } = await promisify(execFile)('unshare', words, { env: environment }).catch(
      (error: { stdout: string; stderr?: string }) => error,
    )
    // Only root may mount, and in many containers not even root.
    if (stdout === '' && (process.getuid?.() !== 0 || /not permitted|denied/.test(stderr))) this.skip()
    expect(stdout.trim(), stderr).to.equal('false')
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
