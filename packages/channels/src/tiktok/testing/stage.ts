import { createTiktokMarketplace, type TiktokSimulator } from '@tributary/test/simulators/tiktok'
import type { App, Channel, Session } from '../../port.ts'
import { createTiktok } from '../tiktok.ts'

/** A channel, the marketplace it talks to, and one shop that has consented. */
export type Stage = {
  simulator: TiktokSimulator
  tiktok: Channel
  /** One more, which waits for an answer for half a second: for those that never come. */
  impatient: Channel
  app: App
  session: Session
  shopId: string
  /** How often the session was told that its token is refused. */
  rejected: string[]
  signal: AbortSignal
}

/** `apps` is what the channel takes for the registered apps. Close the simulator afterwards. */
export async function createStage(
  options: { region?: string; apps?: (app: App) => App[]; clock?: () => number } = {},
): Promise<Stage> {
  const simulator = await createTiktokMarketplace({ seed: 5 })
  const app: App = { id: 1, channel: 2, name: 'TikTok', ...simulator.app }
  const channel = (timeout: number) =>
    createTiktok({
      urls: simulator.urls,
      apps: async () => (options.apps ?? ((one) => [one]))(app),
      budget: { take: async () => {} },
      timeout,
      ...(options.clock ? { clock: options.clock } : {}),
    })
  const [tiktok, impatient] = [channel(15_000), channel(500)]
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
  return { simulator, tiktok, impatient, app, session, shopId: shop.id, rejected, signal: AbortSignal.timeout(50_000) }
}
