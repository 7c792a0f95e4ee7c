import type { CorpName } from '@tributary/database'
import type { WeworkCorp, WeworkCustomer } from '@tributary/runtime'
import {
  type Access,
  accessTokenName,
  type ContactsApi,
  corpAccess,
  createContactsApi,
  createSendCall,
  permanentCodeName,
  type SendCall,
  selfBuiltAccess,
  suiteAccess,
  suiteTicketName,
  type TokenStore,
  WecomError,
} from '@tributary/wecom'
import type { SyncContext } from './context.ts'

/** A suite whose secret we have, so that codes can be exchanged and tokens had. */
export type Suite = { customer: string; suiteId: string; send: SendCall & { once: SendCall }; access: Access }

/** The customers at WeCom, as far as their directories can be read. */
export type Customers = {
  suites: readonly Suite[]
  /** The corps that built an app themselves and gave us its secret. */
  selfBuilt: readonly CorpName[]
  /** How the directory of a corp is reached. Throws WecomError WECOM_APP_REFUSED when the configuration has no secret for it. */
  open(corp: CorpName): { api: ContactsApi; directory: WeworkCorp['directory'] }
}

/** A ticket lives for half an hour (W90628). */
export const TICKET_LIFE = 30 * 60_000

export function openCustomers(context: SyncContext, store: TokenStore): Customers {
  const { configuration, settings, pace } = context
  const { callsPerSecond } = configuration.contactSync
  const suites: Suite[] = []
  for (const [customer, { apiUrl, suite }] of Object.entries(configuration.wework)) {
    if (suite?.secret === undefined) continue
    const { suiteId, secret } = suite
    const send = createSendCall({ apiUrl, patience: pace.api })
    const ticket = async () => {
      const kept = await settings.get(suiteTicketName({ customer, suiteId }))
      return kept && Date.now() - kept.time < TICKET_LIFE ? kept.value : undefined
    }
    const access = suiteAccess(send, store, { name: accessTokenName({ customer, suiteId }), suiteId, secret, ticket })
    suites.push({ customer, suiteId, send, access })
  }

  function open(corp: CorpName): ReturnType<Customers['open']> {
    const configured = configuration.wework[corp.customer]
    const name = accessTokenName(corp)
    // Limits count for each corp (W90454), so each has a pace of its own.
    const send = createSendCall({ apiUrl: configured?.apiUrl ?? '', callsPerSecond, patience: pace.api })
    const suite = suites.find(({ customer, suiteId }) => customer === corp.customer && suiteId === corp.suiteId)
    if (suite) {
      const permanentCode = async () => (await settings.get(permanentCodeName(corp)))?.value
      const access = corpAccess(suite.send, store, { name, suite: suite.access, corpId: corp.corpId, permanentCode })
      return { api: createContactsApi(send, access), directory: configured?.corps[corp.corpId]?.directory ?? 'departments' }
    }
    const app = corp.suiteId === '' ? appOf(configured, corp.corpId) : undefined
    if (!app)
      throw new WecomError(
        'WECOM_APP_REFUSED',
        'The configuration holds no secret for this corp, so its directory cannot be read.',
      )
    const access = selfBuiltAccess(send, store, { name, corpId: corp.corpId, secret: app.secret })
    return { api: createContactsApi(send, access), directory: app.directory }
  }

  const selfBuilt = Object.entries(configuration.wework).flatMap(([customer, { selfBuilt: apps }]) =>
    Object.values(apps)
      .filter(({ secret }) => secret !== undefined)
      .map(({ corpId }) => ({ customer, suiteId: '', corpId })),
  )
  return { suites, selfBuilt, open }
}

function appOf(customer: WeworkCustomer | undefined, corpId: string) {
  const app = Object.values(customer?.selfBuilt ?? {}).find((one) => one.corpId === corpId && one.secret !== undefined)
  return app?.secret === undefined ? undefined : { secret: app.secret, directory: app.directory }
}
