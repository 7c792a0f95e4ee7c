import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { openDatabase } from '@tributary/database'
import { createDispatcher } from '@tributary/dispatcher'
import { contextOf, QUICK } from '@tributary/dispatcher/testing'
import { openEventLog } from '@tributary/event-log'
import { openVault } from '@tributary/vault'

/** What a dispatcher in a process of its own needs to know. */
export type DispatcherProcessOptions = {
  url: string
  /** Where the log stands, if not in that database. */
  logUrl?: string
  masterKey: string
  services: Record<string, string>
  lease: number
}

export type DispatcherProcess = {
  /** Dies at once, as the machine would. */
  kill(): Promise<void>
  /** Stands still, knowing of nothing, until `resume`. */
  stall(): void
  resume(): void
  /** Ends as SIGTERM asks. */
  stop(): Promise<void>
}

/** Starts a real dispatcher in a child process and waits until it has begun. */
export async function startDispatcherProcess(options: DispatcherProcessOptions): Promise<DispatcherProcess> {
  const child = fork(import.meta.filename, [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('The dispatcher did not start.'))),
  ])
  return {
    async kill() {
      const gone = ended(child)
      child.kill('SIGKILL')
      await gone
    },
    stall: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async stop() {
      const gone = ended(child)
      child.kill('SIGTERM')
      await gone
    },
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

async function run({ url, logUrl = url, masterKey, services, lease }: DispatcherProcessOptions): Promise<void> {
  const database = openDatabase(url)
  const log = await openEventLog({ url: logUrl, database, partitions: 4, lease })
  const vault = await openVault({ database, masterKeys: [Buffer.from(masterKey, 'base64')] })
  const dispatcher = createDispatcher(contextOf({ database, log, vault }, services, { ...QUICK, patience: 100 }))
  process.once('SIGTERM', () => {
    dispatcher.stop().then(async () => {
      await log.close()
      await database.close()
      process.disconnect()
    })
  })
  // Without its parent nobody would end it.
  process.once('disconnect', () => process.exit(0))
  await dispatcher.start()
  process.send?.('started')
}

const [given] = process.argv.slice(2)
if (process.argv[1] === import.meta.filename && given) await run(JSON.parse(given) as DispatcherProcessOptions)
