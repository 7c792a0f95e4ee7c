import type { KeyObject } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { VaultError } from './errors.ts'
import { type JweHeader, sealJwe } from './jwe.ts'

/** What becomes a JWE. */
export type Sealable = { key: KeyObject; header: JweHeader; plaintext: string }

/** To the thread, and back from it, in the same order. Nulls stay where they are. */
export type SealRequest = { items: readonly (Sealable | null)[] }
export type SealAnswer = { jwes: (string | null)[] } | { error: Error; code: string | undefined }

/** Of fewer the event loop is rid sooner without a thread. */
const MANY = 8

/** What is new in the thread dies with the request; by itself V8 would let it grow to 48 MB. */
const YOUNG_MEGABYTES = 6

type Thread = { worker: Worker; waiting: PromiseWithResolvers<(string | null)[]>[] }

let thread: Thread | undefined

/**
 * Seals many texts in a thread of its own, one for a process, which is started with the first and does not keep the process
 * alive. Handing an order over and taking it back costs the event loop 16 microseconds; deflating in libuv's threads, each text
 * a task, and encrypting here cost it 56 (measured). Throws RangeError for a text above 128 MB,
 * and VaultError VAULT_SEALING_ENDED when the thread ends before it has answered.
 */
export async function sealAll(items: readonly (Sealable | null)[]): Promise<(string | null)[]> {
  if (items.length < MANY) return items.map((item) => item && sealJwe(item.key, item.header, item.plaintext))
  thread ??= startThread()
  const { worker, waiting } = thread
  const sealed = Promise.withResolvers<(string | null)[]>()
  worker.postMessage({ items } satisfies SealRequest)
  waiting.push(sealed)
  worker.ref()
  return await sealed.promise
}

function startThread(): Thread {
  const worker = new Worker(new URL('./sealing-thread.ts', import.meta.url), {
    name: 'sealing',
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
  })
  const started: Thread = { worker, waiting: [] }
  worker.on('message', (answer: SealAnswer) => {
    const sealed = started.waiting.shift()
    if (started.waiting.length === 0) worker.unref()
    if ('jwes' in answer) sealed?.resolve(answer.jwes)
    else sealed?.reject(answer.code === undefined ? answer.error : Object.assign(answer.error, { code: answer.code }))
  })
  // Its end is told to who waits: the next call starts another.
  let cause: unknown
  worker.on('error', (error) => {
    cause = error
  })
  // Answers are told apart by their order, so one that is missing must be the last.
  worker.on('messageerror', (error) => {
    cause = error
    void worker.terminate()
  })
  worker.on('exit', (code) => {
    if (thread === started) thread = undefined
    const message = `The thread that seals ended with code ${code}. The next call starts another.`
    for (const sealed of started.waiting) sealed.reject(new VaultError('VAULT_SEALING_ENDED', message, { cause }))
  })
  return started
}
