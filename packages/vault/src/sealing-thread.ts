import { parentPort } from 'node:worker_threads'
import { sealJwe } from './jwe.ts'
import type { SealAnswer, SealRequest } from './sealing.ts'

/** Run as a thread by `sealing.ts`: seals what it is sent, one request after another. */
parentPort?.on('message', (request: SealRequest) => parentPort?.postMessage(answerTo(request)))

function answerTo({ items }: SealRequest): SealAnswer {
  try {
    return { jwes: items.map((item) => item && sealJwe(item.key, item.header, item.plaintext)) }
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    // Of an error only its name, its message and its stack cross over by themselves.
    const { code } = error as { code?: unknown }
    return { error, code: typeof code === 'string' ? code : undefined }
  }
}
