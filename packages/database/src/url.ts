import { readPemFile } from '@tributary/runtime'
import { DatabaseError } from './errors.ts'

/** What a driver needs to connect. */
export type DatabaseAddress = {
  host: string
  port: number
  user: string
  password: string
  database?: string
  ssl?: { minVersion: string; rejectUnauthorized: boolean; verifyIdentity: boolean; ca?: string }
}

const FORM =
  'mysql://user:password@host:3306/database, with ?tls=true for an encrypted connection, and &ca=FILE for an authority of your own'
const PARAMETERS = ['tls', 'ca']

/**
 * Reads `mysql://user:password@host:port/database[?tls=true[&ca=FILE]]`, and the file, a PEM.
 * Throws DatabaseError DATABASE_URL_INVALID, which never repeats the text: it holds a password.
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const url = URL.parse(text)
  if (url?.protocol !== 'mysql:' || url.hostname === '') throw invalid('it is not of that form')
  const tls = url.searchParams.get('tls')
  const unknown = [...url.searchParams.keys()].filter((name) => !PARAMETERS.includes(name))
  if (unknown.length > 0) throw invalid(`the parameter ${unknown.join(', ')} is not known`)
  if (tls !== null && tls !== 'true' && tls !== 'false') throw invalid('tls is true or false')
  const authorities = url.searchParams.get('ca')
  if (authorities !== null && tls !== 'true') throw invalid('ca is only for tls=true')
  const name = decode(url.pathname.slice(1))
  return {
    host: decode(url.hostname).replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 3306 : Number(url.port),
    user: decode(url.username),
    password: decode(url.password),
    ...(name === '' ? {} : { database: name }),
    ...(tls === 'true' ? { ssl: sslOf(authorities) } : {}),
  }
}

function sslOf(authorities: string | null): NonNullable<DatabaseAddress['ssl']> {
  const checked = { minVersion: 'TLSv1.2', rejectUnauthorized: true, verifyIdentity: true }
  return authorities === null ? checked : { ...checked, ca: readAuthorities(authorities) }
}

function readAuthorities(file: string): string {
  const pem = readPemFile(file, 'certificate')
  if (pem.kind === 'pem') return pem.text
  throw invalid(`the file that it names as ca ${pem.how}`, pem.cause)
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalid('a % in the name, password or database must be written as %25')
  }
}

function invalid(reason: string, cause?: unknown): DatabaseError {
  return new DatabaseError('DATABASE_URL_INVALID', `The database address must look like ${FORM}; ${reason}.`, { cause })
}
