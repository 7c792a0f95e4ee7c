import { type App, type CallBudget, type Channel, ChannelError } from '@tributary/channels'
import { createAmazon } from '@tributary/channels/amazon'
import { createEbay } from '@tributary/channels/ebay'
import { createLazada } from '@tributary/channels/lazada'
import { createTiktok } from '@tributary/channels/tiktok'
import { type AppRow, cached, type Database, listApps, orLast } from '@tributary/database'
import { createCallBudget } from '@tributary/order-sync'
import type { Configuration } from '@tributary/runtime'

/** What a channel is given besides its section of the configuration. */
type Parts = {
  budget: CallBudget
  /**
   * Our registrations at the channel, seconds old at most: operators add and change them while we run. While the database is
   * away they are those known last, so that what is signed can still be verified and kept in ingest's spool.
   */
  apps: () => Promise<readonly App[]>
}

/** Makes a channel; undefined when its section is missing, which leaves it closed. */
type Opener = (configuration: Configuration, parts: Parts) => Channel | undefined

const APPS_FOR = 5_000
/** Lazada waits for half a second in all. */
const APPS_WITHIN = 100

/** Every channel by its number. A fifth is one line here (docs/channels.md). */
const OPENERS: ReadonlyMap<number, Opener> = new Map<number, Opener>([
  [1, openEbay],
  [2, ({ tiktok }, { budget, apps }) => tiktok && createTiktok({ urls: tiktok, budget, apps })],
  [3, ({ amazon }, { budget }) => amazon && createAmazon({ ...amazon, urls: amazon, budget })],
  [4, ({ lazada }, { budget, apps }) => lazada && createLazada({ urls: lazada, budget, apps })],
])

/**
 * Opens the channels that the configuration names. `known` are apps for while the database has not answered yet; `appsFor`
 * milliseconds they count as fresh, for tests.
 */
export function openChannels(
  configuration: Configuration,
  database: Database,
  { appsFor = APPS_FOR, known }: { appsFor?: number; known?: readonly AppRow[] } = {},
): ReadonlyMap<number, Channel> {
  const channels = new Map<number, Channel>()
  for (const [number, open] of OPENERS) {
    const apps = orLast(
      APPS_WITHIN,
      cached(appsFor, () => listApps(database, number)),
      known?.filter(({ channel }) => channel === number),
    )
    const channel = open(configuration, { budget: createCallBudget({ database, channel: number }), apps })
    if (channel) channels.set(number, channel)
  }
  return channels
}

function openEbay({ ebay }: Configuration, { budget, apps }: Parts): Channel | undefined {
  if (!ebay) return undefined
  const { challengeVerificationToken, notificationEndpoint, ...urls } = ebay
  return createEbay({
    urls,
    ...(challengeVerificationToken ? { challengeVerificationToken } : {}),
    ...(notificationEndpoint ? { notificationEndpoint } : {}),
    app: () => firstApp('ebay', apps),
    budget,
  })
}

/** The app whose own credentials fetch public keys: the first of its channel. */
async function firstApp(channel: string, apps: Parts['apps']): Promise<App> {
  const [app] = await apps()
  if (app) return app
  const message = `No app is registered for ${channel}. Add one: tributary app add --channel ${channel} …`
  throw new ChannelError('CHANNEL_APP_REFUSED', message, { remedy: 'person' })
}
