import type { AmazonConfiguration, Configuration, DeliveryHost, SpiDiscovery, WeworkAccess } from '../configuration.ts'

/** The configuration as plain values to print. Secrets are only told to be there; addresses lose their passwords. */
export function describeConfiguration(configuration: Configuration): Record<string, unknown> {
  const { databaseUrl, logUrl, masterKeys, ebay, amazon, delivery, wework, spiDiscovery, ...rest } = configuration
  return {
    ...rest,
    databaseUrl: withoutPassword(databaseUrl),
    logUrl: withoutPassword(logUrl),
    masterKeys: `${masterKeys.length} set`,
    ebay: ebay ? { ...ebay, challengeVerificationToken: ebay.challengeVerificationToken ? 'set' : 'not set' } : 'not set',
    delivery: {
      ...delivery,
      hosts: Object.fromEntries(Object.entries(delivery.hosts).map(([host, way]) => [host, hidden(way)])),
    },
    ...(amazon ? { amazon: withoutKey(amazon) } : {}),
    wework: Object.fromEntries(
      Object.entries(wework).map(([name, { suite, selfBuilt, webhooks, ...customer }]) => [
        name,
        {
          ...customer,
          webhooks: webhooks.map((webhook) => ({
            ...webhook,
            url: withoutPassword(webhook.url),
            secret: webhook.secret === undefined ? 'not set' : 'set',
          })),
          suite: suite ? withoutSecrets(suite) : 'not set',
          selfBuilt: Object.fromEntries(Object.entries(selfBuilt).map(([app, access]) => [app, withoutSecrets(access)])),
        },
      ]),
    ),
    spiServices: Object.fromEntries(Object.entries(rest.spiServices).map(([name, url]) => [name, withoutPassword(url)])),
    ...(spiDiscovery ? { spiDiscovery: withoutLogin(spiDiscovery) } : {}),
  }
}

function withoutLogin({ address, nacos, ...rest }: SpiDiscovery): Record<string, unknown> {
  if (!nacos) return { ...rest, address }
  const { login, url, ...registry } = nacos
  return { ...rest, address, nacos: { ...registry, url: withoutPassword(url), login: login ? 'set' : 'none' } }
}

function hidden({ proxy, certificate }: DeliveryHost): Record<string, unknown> {
  return { proxy: proxy === undefined ? 'none' : withoutPassword(proxy), certificate: certificate ? 'set' : 'none' }
}

function withoutKey({ queue, ...amazon }: AmazonConfiguration): Record<string, unknown> {
  const credentials = queue?.credentials === undefined ? "left to AWS's SDK" : 'set'
  return { ...amazon, queue: queue ? { url: withoutPassword(queue.url), credentials } : 'not set' }
}

function withoutSecrets(access: WeworkAccess): Record<string, unknown> {
  return { ...access, token: 'set', encodingAesKey: 'set', secret: access.secret === undefined ? 'not set' : 'set' }
}

function withoutPassword(address: string): string {
  if (!URL.canParse(address)) return '(unreadable)'
  const url = new URL(address)
  if (url.password) url.password = '***'
  // A query may hold a key, for example of a queue.
  url.search = ''
  return url.href
}
