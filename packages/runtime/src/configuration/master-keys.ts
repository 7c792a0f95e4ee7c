import { readFile } from 'node:fs/promises'
import type { Environment } from './document.ts'
import type { ConfigurationProblem } from './error.ts'

const MASTER_KEY_BYTES = 32
const fix = 'Make one with: openssl rand -base64 32. Several are separated by commas; the first seals, all open.'

/** Reads the master keys from `TRIBUTARY_MASTER_KEY` or the file that `TRIBUTARY_MASTER_KEY_FILE` names. */
export async function masterKeys(environment: Environment): Promise<{ keys: Buffer[]; problems: ConfigurationProblem[] }> {
  const file = environment['TRIBUTARY_MASTER_KEY_FILE']
  const key = file ? 'TRIBUTARY_MASTER_KEY_FILE' : 'TRIBUTARY_MASTER_KEY'
  const refuse = (found: string) => ({
    keys: [],
    problems: [{ key, expected: `${MASTER_KEY_BYTES} random bytes as base64 or hex`, found, fix }],
  })
  if (file && environment['TRIBUTARY_MASTER_KEY']) return refuse('TRIBUTARY_MASTER_KEY beside it, and only one can be meant')
  const text = file ? await readFile(file, 'utf8').catch(() => undefined) : environment['TRIBUTARY_MASTER_KEY']
  if (text === undefined) return refuse(file ? 'a file that cannot be read' : 'nothing')
  const keys = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(decode)
  const wrong = keys.findIndex((bytes) => bytes.length !== MASTER_KEY_BYTES)
  if (keys.length === 0) return refuse('nothing in it')
  return wrong < 0 ? { keys, problems: [] } : refuse(`${keys[wrong]?.length} bytes in key ${wrong + 1}`)
}

const decode = (text: string): Buffer => Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64')
