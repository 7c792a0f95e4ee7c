import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { EventLogError } from './port.ts'

/**
 * Reads the PEM file that the address of a log names as `name`. In place of an authority that is no certificate, or nothing, TLS
 * would trust those that Node brings, and say nothing. Throws EventLogError LOG_URL_INVALID.
 */
export function readPem(file: string, name: string, kind: 'certificate' | 'private key'): string {
  const invalid = (how: string, cause: unknown) =>
    new EventLogError('LOG_URL_INVALID', `The file that the address of the log names as ${name} ${how}.`, {
      retriable: false,
      cause,
    })
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw invalid('cannot be read', cause)
  }
  try {
    if (kind === 'certificate') new X509Certificate(text)
    else createPrivateKey(text)
  } catch (cause) {
    throw invalid(`holds no ${kind} in PEM`, cause)
  }
  return text
}
