import { createTiktokMarketplace, type TiktokSimulator } from '@tributary/test/simulators/tiktok'
import type { App, Channel, Session } from '../../port.ts'
import { createTiktok } from '../tiktok.ts'

/** A channel, the marketplace it talks to, and one shop that has consented. */
export type Stage = {
  simulator: TiktokSimulator
  tiktok: Channel
  app: App
  session: Session
  shopId: string
  /** How often the session was told that its token is refused. */
  rejected: string[]
  signal: AbortSignal
}

/** `apps` is what the channel takes for the registered apps. Close the simulator afterwards. */
export async function createStage(
  options: { timeout?: number; region?: string; apps?: (app: App) => App[]; clock?: () => number } = {},
): Promise<Stage> {
  const simulator = await createTiktokMarketplace({ seed: 5 })
  const app: App = { id: 1, channel: 2, name: 'TikTok', ...simulator.app }
  const tiktok = createTiktok({
    urls: simulator.urls,
    apps: async () => (options.apps ?? ((one) => [one]))(app),
    budget: { take: async () => {} },
    timeout: options.timeout ?? 5_000,
    ...(options.clock ? { clock: options.clock } : {}),
  })
  const shop = simulator.market.addShop(options.region ?? 'US')
  const rejected: string[] = []
  let { token } = simulator.market.issueAccessToken([shop.id])
  const session: Session = {
    app,
    sellerId: shop.id,
    region: shop.region,
    token: async () => token,
    async rejected(refused) {
      rejected.push(refused)
      token = simulator.market.issueAccessToken([shop.id]).token
    },
  }
  return { simulator, tiktok, app, session, shopId: shop.id, rejected, signal: AbortSignal.timeout(20_000) }
}
