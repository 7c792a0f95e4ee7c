import type { AmazonConfiguration } from '../configuration.ts'
import type { ConfigurationProblem } from './error.ts'
import type { FileContent } from './schema.ts'

type Section = NonNullable<NonNullable<FileContent['qifu']>['eg']>['amazon']

/** One token endpoint for the world, and one API a region ("SP-API endpoints"). */
const DEFAULTS = {
  tokenUrl: 'https://api.amazon.com/auth/o2/token',
  apiUrls: {
    na: 'https://sellingpartnerapi-na.amazon.com',
    eu: 'https://sellingpartnerapi-eu.amazon.com',
    fe: 'https://sellingpartnerapi-fe.amazon.com',
  },
}

/** The Amazon channel's addresses, queue and topics; undefined, which leaves it closed, when its section is missing. */
export function amazonConfiguration(section: Section): { amazon?: AmazonConfiguration } {
  if (!section) return {}
  const { 'authorize-url': authorizeUrl, 'api-url': apiUrl, draft = false, 'sns-topics': topics = [] } = section
  return {
    amazon: {
      ...(authorizeUrl === undefined ? {} : { authorizeUrl }),
      tokenUrl: section['token-url'] ?? DEFAULTS.tokenUrl,
      ...(apiUrl === undefined ? { apiUrls: DEFAULTS.apiUrls } : { apiUrls: {}, apiUrl }),
      ...queueOf(section),
      draft,
      topics,
    },
  }
}

function queueOf({ queue }: NonNullable<Section>): Pick<AmazonConfiguration, 'queue'> {
  if (!queue) return {}
  const { url, 'access-key-id': accessKeyId, 'secret-access-key': secretAccessKey } = queue
  if (accessKeyId === undefined || secretAccessKey === undefined) return { queue: { url } }
  return { queue: { url, credentials: { accessKeyId, secretAccessKey } } }
}

/** Half of a key opens nothing, and would let the SDK look elsewhere without a word. */
export function amazonProblems(section: Section): ConfigurationProblem[] {
  const pair = ['access-key-id', 'secret-access-key'] as const
  const missing = pair.filter((key) => section?.queue?.[key] === undefined)
  if (!section?.queue || missing.length !== 1) return []
  return missing.map((key) => ({
    key: `qifu.eg.amazon.queue.${key}`,
    expected: `a value beside ${pair.find((other) => other !== key)}`,
    found: 'nothing',
    fix: 'Write both halves of the access key, or neither.',
  }))
}
