import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openDatabase } from '@tributary/database'
import { expect } from 'chai'
import { isRunning, startMariaDb, until } from './index.ts'

type Started = { pid: number; url: string }

describe('a private MariaDB', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-server-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  /** A process that starts the server, says so and then does `next`. */
  const startElsewhere = async (next: string): Promise<{ child: ChildProcess; server: Started }> => {
    const script = `
      import { startMariaDb } from '${import.meta.dirname}/index.ts'
      const server = await startMariaDb({ folder: process.argv[1], durable: false, bufferPool: '32M' })
      console.log(JSON.stringify({ pid: server.pid, url: server.url }))
      ${next}`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(createInterface(child.stdout), 'line')
    return { child, server: JSON.parse(line) }
  }
  const gone = ({ pid }: Started) => until(`MariaDB, process ${pid}, is gone`, () => !isRunning(pid))

  it('ends when the process that started it is killed, and its folder serves the next one at once', async () => {
    const { child, server } = await startElsewhere('setInterval(() => {}, 1000)')
    expect(isRunning(server.pid)).to.equal(true)
    child.kill('SIGKILL')
    const next = await startMariaDb({ folder, durable: false, bufferPool: '32M' })
    expect(isRunning(server.pid)).to.equal(false)
    expect(isRunning(next.pid)).to.equal(true)
    await next.stop()
    expect(isRunning(next.pid)).to.equal(false)
  })

  it('ends when the process that started it exits without a word', async () => {
    const { server } = await startElsewhere('process.exit()')
    await gone(server)
  })

  it('lives on when it is kept', async () => {
    const { child, server } = await startElsewhere('server.keep()')
    if (child.exitCode === null) await once(child, 'exit')
    const database = openDatabase(server.url)
    expect(await database.query('SELECT 1 AS one')).to.deep.equal([{ one: 1 }])
    await database.close()
    process.kill(server.pid, 'SIGTERM')
    await gone(server)
  })

  it('is refused a folder in which it can only fail, with the end of its log', async () => {
    const { child, server } = await startElsewhere('setInterval(() => {}, 1000)')
    process.kill(server.pid, 'SIGKILL')
    await gone(server)
    child.kill('SIGKILL')
    await rm(join(folder, 'data', 'ibdata1'))
    const error = await startMariaDb({ folder, durable: false, bufferPool: '32M' }).then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    expect(error?.message).to.match(/MariaDB ended at once[\s\S]*ERROR/)
  })
})
