import { createLazadaMarketplace, type LazadaSimulator } from '@tributary/test/simulators/lazada'
import type { App, Channel, Session } from '../../port.ts'
import { createLazada } from '../lazada.ts'

/** A channel, the marketplace it talks to, and one store that has consented. */
export type Stage = {
  simulator: LazadaSimulator
  lazada: Channel
  /** One more, which waits for an answer for half a second: for those that never come. */
  impatient: Channel
  app: App
  session: Session
  sellerId: string
  signal: AbortSignal
}

/** `apps` is what the channel takes for the registered apps. Close the simulator afterwards. */
export async function createStage(options: { apps?: (app: App) => App[] } = {}): Promise<Stage> {
  const simulator = await createLazadaMarketplace({ seed: 5 })
  const app: App = { id: 1, channel: 4, name: 'Lazada', ...simulator.app }
  const channel = (timeout: number) =>
    createLazada({
      urls: simulator.urls,
      apps: async () => (options.apps ?? ((one) => [one]))(app),
      budget: { take: async () => {} },
      timeout,
    })
  const [lazada, impatient] = [channel(15_000), channel(500)]
  const { sellerId, country } = simulator.market.addStore()
  let token = simulator.market.issueAccessToken([sellerId])
  const session: Session = {
    app,
    sellerId,
    region: country,
    token: async () => token,
    async rejected() {
      token = simulator.market.issueAccessToken([sellerId])
    },
  }
  return { simulator, lazada, impatient, app, session, sellerId, signal: AbortSignal.timeout(50_000) }
}
