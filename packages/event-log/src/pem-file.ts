import { readPemFile } from '@tributary/runtime'
import { EventLogError } from './port.ts'

/** Reads the PEM file that the address of a log names as `name`. Throws EventLogError LOG_URL_INVALID. */
export function readPem(file: string, name: string, holds: 'certificate' | 'private key'): string {
  const pem = readPemFile(file, holds)
  if (pem.kind === 'pem') return pem.text
  const { how, cause } = pem
  const message = `The file that the address of the log names as ${name} ${how}.`
  throw new EventLogError('LOG_URL_INVALID', message, { retriable: false, cause })
}
