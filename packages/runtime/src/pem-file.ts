import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

export type PemFile = { kind: 'pem'; text: string } | { kind: 'wrong'; how: string; cause: unknown }

/**
 * Reads a PEM file that a setting names. In place of an authority that is no certificate, or nothing, TLS would trust those that
 * Node brings, and say nothing. `how` goes on behind the name of the file: `cannot be read`, or `holds no …`.
 */
export function readPemFile(file: string, holds: 'certificate' | 'private key'): PemFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    return { kind: 'wrong', how: 'cannot be read', cause }
  }
  try {
    if (holds === 'certificate') new X509Certificate(text)
    else createPrivateKey(text)
  } catch (cause) {
    return { kind: 'wrong', how: `holds no ${holds} in PEM`, cause }
  }
  return { kind: 'pem', text }
}
