import { readFileSync } from 'node:fs'
import type { KafkaConfig, SASLOptions } from 'kafkajs'
import { readPem } from '../pem-file.ts'
import { EventLogError } from '../port.ts'
import { oauthBearer } from './oauth-bearer.ts'

/** What the address of a Kafka log says. */
export type KafkaAddress = {
  client: Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl'>
  /** Copies of a partition in a topic that is made; undefined leaves it to the brokers. */
  replication: number | undefined
  compression: 'none' | 'gzip'
}

const FORM =
  'kafka://[user:password@]host:port[,host:port…][?tls=true&ca=FILE&cert=FILE&key=FILE&mechanism=plain|scram-sha-256|scram-sha-512|oauthbearer&token=FILE&replication=3&compression=gzip]'
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const
const OPTIONS = ['tls', 'ca', 'cert', 'key', 'mechanism', 'token', 'replication', 'compression']
const TLS_FILES = ['ca', 'cert', 'key'] as const

/**
 * Reads the address of a Kafka log. With `mechanism=oauthbearer` the token is read from the file `token` at each
 * authentication, so that whoever renews it only writes the file. Throws EventLogError LOG_URL_INVALID, which never repeats
 * the address: it may hold a password.
 */
export function parseKafkaUrl(url: string): KafkaAddress {
  const match = /^kafka:\/\/(?:([^:@/]+):([^@/]*)@)?([^/?@]+)\/?(?:\?(.*))?$/i.exec(url)
  if (!match) throw invalid('has not the form')
  const [, user, password, hosts = '', query = ''] = match
  const brokers = hosts.split(',')
  if (!brokers.every((broker) => /^(?:[A-Za-z0-9._-]+|\[[0-9a-f:]+\]):\d{1,5}$/i.test(broker)))
    throw invalid('needs host:port for each broker')
  const options = new URLSearchParams(query)
  for (const name of options.keys()) if (!OPTIONS.includes(name)) throw invalid(`has an option '${name}' that is not known`)
  const sasl = saslOf(options, user, password)
  const ssl = sslOf(options)
  const replication = options.get('replication')
  if (replication !== null && !/^[1-9]\d?$/.test(replication)) throw invalid('needs a number from 1 to 99 as replication')
  const compression = options.get('compression') ?? 'none'
  if (compression !== 'none' && compression !== 'gzip') throw invalid('knows only gzip and none as compression')
  return {
    client: { brokers, ...(ssl === undefined ? {} : { ssl }), ...(sasl === undefined ? {} : { sasl }) },
    replication: replication === null ? undefined : Number(replication),
    compression,
  }
}

function sslOf(options: URLSearchParams): KafkaConfig['ssl'] {
  const tls = options.get('tls')
  if (tls !== null && tls !== 'true' && tls !== 'false') throw invalid('knows only true and false as tls')
  const named = TLS_FILES.filter((name) => options.has(name))
  if (tls !== 'true') {
    if (named.length > 0) throw invalid(`names a ${named[0]} without tls=true`)
    return undefined
  }
  if (options.has('cert') !== options.has('key')) throw invalid('names only one of cert and key')
  if (named.length === 0) return true
  return Object.fromEntries(
    named.map((name) => [name, readPem(options.get(name) ?? '', name, name === 'key' ? 'private key' : 'certificate')]),
  )
}

function saslOf(options: URLSearchParams, user: string | undefined, password: string | undefined): KafkaConfig['sasl'] {
  const mechanism = options.get('mechanism')
  const token = options.get('token')
  if (mechanism === 'oauthbearer') {
    if (token === null) throw invalid('needs a file that holds the token: token=FILE')
    return oauthBearer(() => readToken(token))
  }
  if (user === undefined || password === undefined) {
    if (mechanism !== null) throw invalid('names a mechanism without user and password')
    return undefined
  }
  const known = MECHANISMS.find((one) => one === (mechanism ?? 'plain'))
  if (!known) throw invalid('names a mechanism that is not known')
  return { mechanism: known, username: decodeURIComponent(user), password: decodeURIComponent(password) } as SASLOptions
}

/** Whoever renews the token may be about to write it, so waiting may help. */
function readToken(file: string): string {
  const missing = (how: string, cause?: unknown) =>
    new EventLogError('LOG_UNAVAILABLE', `The file that the address of the log names as token ${how}.`, {
      retriable: true,
      cause,
    })
  let token: string
  try {
    token = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw missing('cannot be read', cause)
  }
  if (token === '') throw missing('is empty')
  return token
}

const invalid = (why: string): EventLogError =>
  new EventLogError('LOG_URL_INVALID', `The address of the log ${why}. Its form: ${FORM}`, { retriable: false })
