import { Problem, type WeworkCustomer } from '@tributary/runtime'
import type { RawRequest } from '@tributary/runtime/http'
import { type CallbackSecrets, callbackSecrets } from '@tributary/wecom'

/** A callback address: what protects it, whose it is, and whom its messages may be sealed for. */
export type Address = {
  customer: string
  /** Empty for an app that a corp built itself. */
  suiteId: string
  /** The corp of a self-built app. */
  corpId?: string
  secrets: CallbackSecrets
  /** For the check of the address, and for messages. Corps that are known as authorized come to the latter on the data address. */
  verification: readonly string[]
  messages: readonly string[]
}

export type Addresses = {
  suite(request: RawRequest): Address
  selfBuilt(request: RawRequest): Address
}

/**
 * The callback addresses that are configured; every other is closed with 404. Accept lists as staff of WeCom and
 * developers report them: a check of an address names the provider, messages name the suite, sometimes the provider.
 * Throws WecomSettingsError for settings that cannot work.
 */
export function openAddresses(customers: Readonly<Record<string, WeworkCustomer>>): Addresses {
  const suites = new Map<string, Address>()
  const apps = new Map<string, Address>()
  for (const [customer, { suite, selfBuilt }] of Object.entries(customers)) {
    if (suite) {
      const receivers = [suite.suiteId, suite.providerCorpId]
      const secrets = callbackSecrets(suite.token, suite.encodingAesKey)
      suites.set(customer, { customer, suiteId: suite.suiteId, secrets, verification: receivers, messages: receivers })
    }
    for (const [app, { corpId, token, encodingAesKey }] of Object.entries(selfBuilt)) {
      const secrets = callbackSecrets(token, encodingAesKey)
      const address = { customer, suiteId: '', corpId, secrets, verification: [corpId], messages: [corpId] }
      apps.set(JSON.stringify([customer, app]), address)
    }
  }
  return {
    suite: ({ params }) => suites.get(String(params['name'])) ?? unknown(),
    selfBuilt: ({ params }) => apps.get(JSON.stringify([String(params['name']), String(params['app'])])) ?? unknown(),
  }
}

function unknown(): never {
  throw new Problem(404, 'WEWORK_ADDRESS_UNKNOWN', 'There is no such callback address here.')
}
