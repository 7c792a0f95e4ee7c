import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect } from 'chai'

const shutdown = JSON.stringify(new URL('./shutdown.ts', import.meta.url).href)
const logger = JSON.stringify(new URL('./logger.ts', import.meta.url).href)

/** A process of its own, because signals and unhandled errors belong to a process. It prints what its services do. */
const program = (body: string) => `
  import { runUntilSignal } from ${shutdown}
  import { createLogger } from ${logger}
  const say = (text) => process.stdout.write(text + '\\n')
  const service = (name, more = {}) => ({
    name,
    async start() { say('start ' + name) },
    async health() { return { name, status: 'ok' } },
    async stop() { say('stop ' + name) },
    ...more,
  })
  const logger = createLogger({ level: 'silent', format: 'json' })
  // What keeps a real service's process alive: sockets and timers.
  const alive = setInterval(() => {}, 1000)
  ${body}
  clearInterval(alive)
  process.exitCode = code`

describe('running until a signal', () => {
  const children: ChildProcess[] = []
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })

  async function run(body: string, onLine: (line: string, child: ChildProcess) => void = () => {}) {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program(body)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const lines: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line)
      onLine(line, child)
    })
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, lines }
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`starts in order, and on ${signal} stops in reverse order and exits with 0`, async () => {
      const { code, lines } = await run(
        `const code = await runUntilSignal([service('log'), service('ingest', { async start() { say('start ingest'); say('ready') } })], { logger })`,
        (line, child) => line === 'ready' && child.kill(signal),
      )
      expect(lines).to.deep.equal(['start log', 'start ingest', 'ready', 'stop ingest', 'stop log'])
      expect(code).to.equal(0)
    })
  }

  it('takes a signal that comes twice at the same moment for one', async () => {
    const { code, lines } = await run(
      // It tells itself, so that no time passes between the two that a slow machine makes longer.
      `const stop = () => new Promise((resolve) => { say('stopping'); process.kill(process.pid, 'SIGTERM'); setTimeout(resolve, 300) })
       const code = await runUntilSignal([service('slow', { stop })], { logger })
       say('stopped')`,
      (line, child) => line === 'start slow' && child.kill('SIGTERM'),
    )
    expect(lines).to.deep.equal(['start slow', 'stopping', 'stopped'])
    expect(code).to.equal(0)
  })

  it('exits at once on a second signal', async () => {
    const { code, lines } = await run(
      `const stop = () => new Promise(() => setTimeout(() => say('stopping'), 600))
       const code = await runUntilSignal([service('slow', { stop })], { logger, deadline: 60_000 })`,
      (line, child) => (line === 'start slow' || line === 'stopping') && child.kill('SIGINT'),
    )
    expect(lines).to.deep.equal(['start slow', 'stopping'])
    expect(code).to.equal(130)
  })

  it('gives up on services that do not stop in time, and says so by its exit code', async () => {
    const body = `const code = await runUntilSignal([service('slow', { stop: () => new Promise(() => {}) })], { logger, deadline: 50 })`
    const { code } = await run(body, (line, child) => line === 'start slow' && child.kill('SIGTERM'))
    expect(code).to.equal(1)
  })

  it('stops what it started when a later start fails', async () => {
    const { code, lines } = await run(
      `const code = await runUntilSignal([service('log'), service('bad', { start: () => Promise.reject(new Error('no')) }), service('never')], { logger })`,
    )
    expect(lines).to.deep.equal(['start log', 'stop bad', 'stop log'])
    expect(code).to.equal(1)
  })

  it('stops with 1 after a rejection that nobody handled', async () => {
    const { code, lines } = await run(
      `setTimeout(() => Promise.reject(new Error('lost')), 20); const code = await runUntilSignal([service('log')], { logger })`,
    )
    expect(lines).to.deep.equal(['start log', 'stop log'])
    expect(code).to.equal(1)
  })

  it('stops with 0 when what it ran for is done, though a service fails to stop', async () => {
    const { code, lines } = await run(
      `const code = await runUntilSignal([service('log'), service('bad', { stop: () => Promise.reject(new Error('no')) })], { logger, until: AbortSignal.timeout(50) })`,
    )
    expect(lines).to.deep.equal(['start log', 'start bad', 'stop log'])
    expect(code).to.equal(0)
  })
})
