import { createEbaySimulator, EBAY_SCOPES, type EbaySimulator, type SimulatedSeller } from '@tributary/test/simulators/ebay'
import type { App, Channel, Session } from '../../port.ts'
import { createEbay } from '../ebay.ts'

/** A channel, the marketplace it talks to, and one seller who has consented. */
export type Stage = {
  simulator: EbaySimulator
  ebay: Channel
  /** One more, which waits for an answer for half a second: for those that never come. */
  impatient: Channel
  app: App
  seller: SimulatedSeller
  session: Session
  /** What the call budget was asked for. */
  taken: string[]
  /** Both sides' time; `ahead` moves the channel's only. */
  time: { now: number; ahead: number }
  signal: AbortSignal
}

const VERIFICATION_TOKEN = 'a-verification-token-of-32-characters-or-more'
const ENDPOINT = 'https://gateway.example/open/order/callback/1'

/** `timeout` in milliseconds is how long the channel waits for an answer. Close the simulator afterwards. */
export async function createStage(options: { timeout?: number; app?: Partial<App> } = {}): Promise<Stage> {
  const time = { now: Date.now(), ahead: 0 }
  const simulator = await createEbaySimulator({ seed: 11, clock: () => time.now })
  const app: App = {
    id: 1,
    channel: 1,
    name: 'eBay',
    clientId: simulator.app.clientId,
    clientSecret: simulator.app.clientSecret,
    developerId: '',
    scopes: EBAY_SCOPES,
    redirectUri: simulator.app.ruName,
    attachInfo: {},
    ...options.app,
  }
  const taken: string[] = []
  const channel = (timeout: number) =>
    createEbay({
      urls: simulator.urls,
      challengeVerificationToken: VERIFICATION_TOKEN,
      notificationEndpoint: ENDPOINT,
      app: async () => app,
      budget: { take: async (operation) => void taken.push(operation) },
      clock: () => time.now + time.ahead,
      timeout,
    })
  const [ebay, impatient] = [channel(options.timeout ?? 15_000), channel(500)]
  const seller = simulator.market.addSeller()
  const session = createSession(ebay, app, seller.userId, simulator.grant(seller.userId))
  return { simulator, ebay, impatient, app, seller, session, taken, time, signal: AbortSignal.timeout(50_000) }
}

/** A session as order-sync keeps one, but in memory. */
export function createSession(ebay: Channel, app: App, sellerId: string, refreshToken: string): Session {
  let token: string | undefined
  return {
    app,
    sellerId,
    region: 'EBAY_US',
    async token(signal) {
      token ??= (await ebay.refresh(app, refreshToken, signal)).access.token
      return token
    },
    async rejected(refused) {
      if (token === refused) token = undefined
    },
  }
}
