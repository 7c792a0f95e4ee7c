import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Configuration, DeliveryHost, EndpointTreatment } from '../configuration.ts'
import type { ConfigurationProblem } from './error.ts'
import type { FileContent } from './schema.ts'

type Section = NonNullable<FileContent['tributary']>['delivery']
type EndpointSection = NonNullable<NonNullable<Section>['endpoints']>[string]
type HostSection = NonNullable<NonNullable<Section>['hosts']>[string]

/** What `tributary.delivery` says, with the certificates and keys that it names. */
export async function deliveryConfiguration(
  section: Section,
): Promise<{ delivery: Configuration['delivery']; problems: ConfigurationProblem[] }> {
  const read = await Promise.all(Object.entries(section?.hosts ?? {}).map(([host, given]) => hostOf(host, given)))
  const delivery = {
    allowAddresses: section?.['allow-addresses'] ?? [],
    attemptsDays: section?.['attempts-days'] ?? 30,
    hosts: Object.fromEntries(read.map(({ host, way }) => [host, way])),
    endpoints: Object.fromEntries(Object.entries(section?.endpoints ?? {}).map(([name, given]) => [name, treatmentOf(given)])),
  }
  return { delivery, problems: read.flatMap(({ problems }) => problems) }
}

function treatmentOf({
  order,
  exhausted,
  'schedule-seconds': schedule,
  'per-second': perSecond,
}: EndpointSection): EndpointTreatment {
  return {
    ...(order === undefined ? {} : { order }),
    ...(exhausted === undefined ? {} : { exhausted }),
    ...(schedule === undefined ? {} : { schedule: schedule.map((seconds) => seconds * 1_000) }),
    ...(perSecond === undefined ? {} : { perSecond }),
  }
}

async function hostOf(
  host: string,
  { proxy, 'certificate-file': certificateFile, 'key-file': keyFile }: HostSection,
): Promise<{ host: string; way: DeliveryHost; problems: ConfigurationProblem[] }> {
  const way = proxy === undefined ? {} : { proxy }
  const key = `tributary.delivery.hosts.${host}`
  const wrong = (name: string, expected: string, found: string) => ({
    host,
    way,
    problems: [{ key: `${key}.${name}`, expected, found, fix: 'Name a certificate and its own private key, both PEM.' }],
  })
  if (certificateFile === undefined && keyFile === undefined) return { host, way, problems: [] }
  if (certificateFile === undefined) return wrong('certificate-file', 'a file', 'nothing, though there is a key')
  if (keyFile === undefined) return wrong('key-file', 'a file', 'nothing, though there is a certificate')
  const [cert, secret] = await Promise.all(
    [certificateFile, keyFile].map((file) => readFile(file, 'utf8').catch(() => undefined)),
  )
  if (cert === undefined) return wrong('certificate-file', 'a file that can be read', 'none')
  if (secret === undefined) return wrong('key-file', 'a file that can be read', 'none')
  const certificate = { cert, key: secret }
  if (!isPair(certificate)) return wrong('certificate-file', 'a certificate and its key', 'files that do not go together')
  return { host, way: { ...way, certificate }, problems: [] }
}

function isPair(certificate: { cert: string; key: string }): boolean {
  try {
    createSecureContext(certificate)
    // Of two empty files it makes no certificate, and does not say so.
    return new X509Certificate(certificate.cert).checkPrivateKey(createPrivateKey(certificate.key))
  } catch {
    return false
  }
}
