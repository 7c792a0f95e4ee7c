import { codeOf } from '../coded.ts'

/** The body of an answer; null when it has more than `limit` bytes, of which the rest is never read. Throws when it breaks off. */
export async function readBounded(response: Response, limit: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > limit) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Why `fetch` failed: the code of the cause, as `ECONNREFUSED`, else a name. Never a message, because that may hold the address. */
export function fetchFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure'
  return codeOf(error.cause) ?? error.name
}
