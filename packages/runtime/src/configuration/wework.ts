import type { PartnerWebhook, WeworkCorp, WeworkCustomer } from '../configuration.ts'
import type { FileContent } from './schema.ts'

type Section = NonNullable<NonNullable<NonNullable<FileContent['qifu']>['eg']>['wework-map']>
type CustomerSection = NonNullable<Section[string]>

/** WeCom's own address of its API. */
const API_URL = 'https://qyapi.weixin.qq.com/cgi-bin'

/** The customers of `qifu.eg.wework-map`, complete. One without a suite and without apps of its own takes no callbacks. */
export function weworkConfiguration(section: Section | undefined): Readonly<Record<string, WeworkCustomer>> {
  return Object.fromEntries(Object.entries(section ?? {}).map(([name, given]) => [name, customer(given)]))
}

function customer(given: CustomerSection): WeworkCustomer {
  const { suite, corps, 'self-built': apps } = given
  return {
    apiUrl: given['api-url'] ?? API_URL,
    webhooks: (given.webhooks ?? []).map(webhook),
    ...(suite
      ? {
          suite: {
            suiteId: suite['suite-id'],
            providerCorpId: suite['provider-corp-id'] ?? '',
            token: suite.token,
            encodingAesKey: suite['encoding-aes-key'],
            ...(suite.secret === undefined ? {} : { secret: suite.secret }),
          },
        }
      : {}),
    corps: Object.fromEntries(Object.entries(corps ?? {}).map(([corpId, one]) => [corpId, corp(one)])),
    selfBuilt: Object.fromEntries(
      Object.entries(apps ?? {}).map(([name, app]) => [
        name,
        {
          corpId: app['corp-id'],
          token: app.token,
          encodingAesKey: app['encoding-aes-key'],
          ...(app.secret === undefined ? {} : { secret: app.secret }),
          ...corp(app),
        },
      ]),
    ),
  }
}

/** Milliseconds, for the whole exchange, as the existing deployment has it. */
const WEBHOOK_TIMEOUT = 6_000

function webhook(given: NonNullable<CustomerSection['webhooks']>[number]): PartnerWebhook {
  const { url, timeout, events, secret, mode, fields } = given
  return {
    url,
    timeout: timeout ?? WEBHOOK_TIMEOUT,
    events: events ?? ['change_contact'],
    mode: mode ?? 'ce-binary',
    fields: fields ?? 'thin',
    ...(secret === undefined ? {} : { secret }),
  }
}

function corp({ schema, directory }: { schema?: string; directory?: WeworkCorp['directory'] }): WeworkCorp {
  return { directory: directory ?? 'departments', ...(schema === undefined ? {} : { schema }) }
}
