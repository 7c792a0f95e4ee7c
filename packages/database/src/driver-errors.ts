import { DatabaseError, type DatabaseErrorCode } from './errors.ts'

/** The fields of an error of mysql2 that we use. `fatal` means that the connection is of no more use. */
export type DriverError = Error & {
  code?: string | undefined
  errno?: number | undefined
  sqlState?: string | undefined
  sql?: string | undefined
  sqlMessage?: string | undefined
  fatal?: boolean | undefined
}

const ADVICE: Partial<Record<DatabaseErrorCode, string>> = {
  DATABASE_UNAVAILABLE: 'The database does not answer. Check that it runs and that its address is right.',
  DATABASE_BUSY: 'No connection became free in time. The database is slow, or it allows too few connections.',
  DATABASE_REFUSED: 'The database refused this user. Check the name, the password, the database name and the grants.',
  DATABASE_READ_ONLY: 'The database only reads, as a replica does. Connect to the primary.',
  DATABASE_DEADLOCK: 'Two transactions waited for each other and the server ended this one.',
  DATABASE_LOCK_TIMEOUT: 'Another transaction held a lock for too long.',
  DATABASE_EXHAUSTED: 'The server has no room: its disk or its memory is full. Make room; its own log says where.',
  DATABASE_TOO_SLOW: 'The server ended a statement that took longer than its limit (max_statement_time, max_execution_time).',
  DATABASE_DUPLICATE: 'A row with this key exists already.',
  DATABASE_VALUE_REFUSED: 'A value does not fit its column.',
  DATABASE_PACKET_TOO_LARGE: 'A statement is larger than the server accepts. Raise max_allowed_packet on the server to 64M.',
  DATABASE_SCHEMA_MISMATCH: 'A table or column is missing. Run: tributary migrate',
  DATABASE_STATEMENT_REFUSED: 'The server refused the statement.',
  DATABASE_NOT_PREPARED: 'The server keeps no prepared statement more (max_prepared_stmt_count), or lost one.',
}

/** What the driver says of encryption: its message is Node's, of certificates and names of hosts, and the reason stands nowhere else. */
const ENCRYPTION: ReadonlySet<string | undefined> = new Set(['HANDSHAKE_SSL_ERROR', 'HANDSHAKE_NO_SSL_SUPPORT'])
const NO_ENCRYPTION =
  'No encrypted connection to the database could be made. Check its certificate, and in the address the host, tls and ca.'

/** Numbers of server errors: https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html */
const CODE_OF_NUMBER: ReadonlyMap<number, DatabaseErrorCode> = new Map<number, DatabaseErrorCode>([
  ...codes('DATABASE_BUSY', [1040, 1203, 1226]),
  ...codes('DATABASE_UNAVAILABLE', [1047, 1053, 1077, 1079, 1129, 1158, 1159, 1160, 1161, 1184, 1317, 1927, 3169, 4031]),
  ...codes('DATABASE_REFUSED', [1044, 1045, 1049, 1130, 1142, 1143, 1227, 1251, 1370, 1410, 1698, 1820, 3118, 4151]),
  ...codes('DATABASE_READ_ONLY', [1290, 1792, 1836]),
  ...codes('DATABASE_DEADLOCK', [1213, 3101]),
  ...codes('DATABASE_LOCK_TIMEOUT', [1205, 3058]),
  // 3 and 20 come from beneath the server, and 1030 hands on what the storage engine said, which is nothing of a row.
  ...codes('DATABASE_EXHAUSTED', [3, 20, 1021, 1026, 1030, 1037, 1038, 1041, 1114, 1135, 1180, 1206, 1637]),
  ...codes('DATABASE_TOO_SLOW', [1028, 1969, 3024]),
  ...codes('DATABASE_DUPLICATE', [1022, 1062, 1169, 1586]),
  ...codes('DATABASE_VALUE_REFUSED', [1048, 1264, 1265, 1292, 1364, 1366, 1367, 1406, 1690, 3140, 3141, 4025]),
  ...codes('DATABASE_PACKET_TOO_LARGE', [1153, 1301]),
  ...codes('DATABASE_NOT_PREPARED', [1243, 1461, 1615]),
  ...codes('DATABASE_SCHEMA_MISMATCH', [1051, 1054, 1091, 1146, 1176]),
])

/** Messages of these name tables, columns, keys or users only; those of others may repeat a value. */
const MESSAGE_WITHOUT_VALUES: ReadonlySet<number> = new Set([
  1040, 1044, 1045, 1046, 1049, 1050, 1051, 1053, 1054, 1060, 1061, 1071, 1091, 1101, 1118, 1142, 1143, 1146, 1153, 1176, 1205,
  1213, 1227, 1264, 1290, 1317, 1364, 1406, 1792, 1836,
])

function codes(code: DatabaseErrorCode, numbers: readonly number[]): [number, DatabaseErrorCode][] {
  return numbers.map((number) => [number, code])
}

/**
 * Turns whatever the driver or the pool threw into a DatabaseError. `statement` is the statement's text with its
 * placeholders; its beginning goes into the message, without literals.
 */
export function databaseError(thrown: unknown, statement?: string): DatabaseError {
  if (thrown instanceof DatabaseError) return thrown
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as DriverError
  const code = codeOf(error)
  const advice = ENCRYPTION.has(error.code) ? NO_ENCRYPTION : ADVICE[code]
  const parts = [advice ?? '', describe(error)]
  if (statement && code !== 'DATABASE_UNAVAILABLE' && code !== 'DATABASE_BUSY') parts.push(`In: ${shorten(statement)}`)
  return new DatabaseError(code, parts.filter(Boolean).join(' '), { cause: withoutValues(error) })
}

/** Removes, in place, what could be personal from an error that knex is about to throw. */
export function scrubDriverError(error: DriverError): void {
  error.message = describe(error)
  error.stack = `${error.name}: ${error.message}`
  delete error.sql
  delete error.sqlMessage
}

function codeOf(error: DriverError): DatabaseErrorCode {
  const known = error.errno === undefined ? undefined : CODE_OF_NUMBER.get(error.errno)
  if (known) return known
  if (error.name === 'TimeoutError' || error.name === 'KnexTimeoutError') return 'DATABASE_BUSY'
  if (error.sqlState === undefined) return 'DATABASE_UNAVAILABLE'
  return 'DATABASE_STATEMENT_REFUSED'
}

function describe(error: DriverError): string {
  const number = error.errno !== undefined && error.errno > 0 ? ` ${error.errno}` : ''
  const label = error.code ? `(${error.code}${number})` : ''
  return [label, messageWithoutValues(error)].filter(Boolean).join(' ')
}

function messageWithoutValues(error: DriverError): string {
  if (error.sqlMessage === undefined) return error.code === undefined || ENCRYPTION.has(error.code) ? error.message : ''
  if (error.errno !== undefined && MESSAGE_WITHOUT_VALUES.has(error.errno)) return error.sqlMessage
  return error.errno === 1062 ? (/for key '[^']*'$/.exec(error.sqlMessage)?.[0] ?? '') : ''
}

function withoutValues(error: DriverError): Error {
  const copy: DriverError = new Error(describe(error))
  copy.name = error.name
  copy.stack = [`${error.name}: ${copy.message}`, ...framesOf(error)].join('\n')
  if (error.code !== undefined) copy.code = error.code
  if (error.errno !== undefined) copy.errno = error.errno
  if (error.sqlState !== undefined) copy.sqlState = error.sqlState
  return copy
}

function framesOf(error: Error): string[] {
  return (error.stack ?? '').split('\n').filter((line) => /^\s+at .*:\d+\)?$/.test(line))
}

function shorten(statement: string): string {
  const text = statement
    .replaceAll(/'(?:[^'\\]|\\.|'')*'/g, "'…'")
    .replaceAll(/\s+/g, ' ')
    .trim()
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}
