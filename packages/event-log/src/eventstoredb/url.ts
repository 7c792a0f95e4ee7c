import type { ChannelCredentialOptions, Credentials, EndPoint } from '@eventstore/db-client'
import { readPem } from '../pem-file.ts'
import { EventLogError } from '../port.ts'

/** What the address of an EventStoreDB log says. */
export type EventStoreDbAddress = {
  hosts: EndPoint[]
  /** Whether the first host is asked who leads the cluster. */
  discover: boolean
  security: ChannelCredentialOptions
  user: Credentials | undefined
}

const FORM =
  'eventstoredb[+discover]://[user:password@]host[:port][,host[:port]…][?tls=false&tlsCAFile=FILE&userCertFile=FILE&userKeyFile=FILE]'
/** Those of the client's connection strings that a log has a use for; the rest are limits that the driver sets itself. */
const OPTIONS = ['tls', 'tlsCAFile', 'userCertFile', 'userKeyFile']
const PORT = 2113

/**
 * Reads the address of an EventStoreDB log: a connection string of EventStoreDB, whose own scheme `esdb` may stand there as
 * well. The client's parser is not used, because its messages repeat what it read. Throws EventLogError LOG_URL_INVALID, which
 * never repeats the address: it may hold a password.
 */
export function parseEventStoreDbUrl(url: string): EventStoreDbAddress {
  const match = /^(?:eventstoredb|esdb)(\+discover)?:\/\/(?:([^:@/]+):([^@/]*)@)?([^/?@]+)\/?(?:\?(.*))?$/i.exec(url)
  if (!match) throw invalid('has not the form')
  const [, discover, user, password, hosts = '', query = ''] = match
  const options = new URLSearchParams(query)
  for (const name of options.keys()) if (!OPTIONS.includes(name)) throw invalid(`has an option '${name}' that is not known`)
  const security = securityOf(options)
  // The client would leave them out without a word.
  if (security.insecure && user !== undefined) throw invalid('names a user without TLS, where EventStoreDB has no users')
  return {
    hosts: hosts.split(',').map(endPointOf),
    discover: discover !== undefined,
    security,
    user: user === undefined ? undefined : { username: decodeURIComponent(user), password: decodeURIComponent(password ?? '') },
  }
}

function endPointOf(host: string): EndPoint {
  const match = /^([A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(host)
  if (!match?.[1]) throw invalid('needs host or host:port for each node')
  return { address: match[1], port: Number(match[2] ?? PORT) }
}

function securityOf(options: URLSearchParams): ChannelCredentialOptions {
  const tls = options.get('tls') ?? 'true'
  if (tls !== 'true' && tls !== 'false') throw invalid('knows only true and false as tls')
  const files = OPTIONS.filter((name) => name !== 'tls' && options.has(name))
  if (tls === 'false') {
    if (files.length > 0) throw invalid(`names a ${files[0]} with tls=false`)
    return { insecure: true }
  }
  if (options.has('userCertFile') !== options.has('userKeyFile'))
    throw invalid('names only one of userCertFile and userKeyFile')
  const fileOf = (name: string) => {
    const file = options.get(name)
    return file === null ? undefined : Buffer.from(readPem(file, name, name === 'userKeyFile' ? 'private key' : 'certificate'))
  }
  const [rootCertificate, userCertFile, userKeyFile] = ['tlsCAFile', 'userCertFile', 'userKeyFile'].map(fileOf)
  return {
    ...(rootCertificate ? { rootCertificate } : {}),
    ...(userCertFile && userKeyFile ? { userCertFile, userKeyFile } : {}),
  }
}

const invalid = (why: string): EventLogError =>
  new EventLogError('LOG_URL_INVALID', `The address of the log ${why}. Its form: ${FORM}`, { retriable: false })
