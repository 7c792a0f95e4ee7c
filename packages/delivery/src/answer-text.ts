import type { Transform } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'

/** An answer may have been cut, and what stands before the cut can be read. */
const CUT = { finishFlush: constants.Z_SYNC_FLUSH }
const gunzip = () => createGunzip(CUT)

/** The content codings of RFC 9110 §8.4.1, RFC 7932 and RFC 8878. Some servers send `deflate` without the zlib header that it has. */
const DECODERS: Readonly<Record<string, (bytes: Buffer) => Transform>> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  deflate: (bytes) => (((bytes[0] ?? 0) & 0x0f) === 8 ? createInflate(CUT) : createInflateRaw(CUT)),
  br: () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdDecompress({ finishFlush: constants.ZSTD_e_flush }),
}

/** More codings than that have no honest reason. */
const MOST_CODINGS = 3

/**
 * The first `limit` bytes of an answer as text, unpacked if its `Content-Encoding` says that it is packed: without an
 * `Accept-Encoding` of ours it may be (RFC 9110 §12.5.3). No more than that is ever unpacked. What is packed in an unknown way is left
 * as it is, and of what is broken the part before the break is taken.
 */
export async function answerText(chunks: readonly Buffer[], contentEncoding: string, limit: number): Promise<string> {
  // Most answers are empty.
  if (chunks.length === 0) return ''
  let bytes: Buffer = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
  for (const decode of decodersOf(contentEncoding)) bytes = await unpacked(bytes, decode(bytes), limit)
  // U+0000 cannot be told from nothing by some readers of the table.
  return bytes.toString('utf8').replaceAll('\u0000', '\uFFFD')
}

function decodersOf(contentEncoding: string): ((bytes: Buffer) => Transform)[] {
  const names = contentEncoding.split(',').map((name) => name.trim().toLowerCase())
  const known = names.filter((name) => name !== '' && name !== 'identity').map((name) => DECODERS[name])
  if (known.length > MOST_CODINGS) return []
  // The last one was applied last.
  return known.every((decode) => decode !== undefined) ? known.toReversed() : []
}

async function unpacked(bytes: Buffer, decoder: Transform, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  decoder.end(bytes)
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= limit) break
    }
  } catch {
    // What came before is what there is.
  }
  return Buffer.concat(chunks).subarray(0, limit)
}
