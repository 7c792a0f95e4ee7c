import { type AmazonSimulator, createAmazonMarketplace } from '@tributary/test/simulators/amazon'
import type { App, Channel, Session } from '../../port.ts'
import { type AmazonOptions, createAmazon } from '../amazon.ts'

/** A channel, the marketplace it talks to, and one seller who has consented. */
export type Stage = {
  simulator: AmazonSimulator
  amazon: Channel
  app: App
  session: Session
  sellerId: string
  /** How often the session was told that its token is refused. */
  rejected: string[]
  /** The channel with other options. */
  other(options: Partial<AmazonOptions>): Channel
  signal: AbortSignal
}

/** Close the simulator afterwards. */
export async function createStage(options: Partial<AmazonOptions> = {}): Promise<Stage> {
  const simulator = await createAmazonMarketplace({ seed: 5, ...(options.clock ? { clock: options.clock } : {}) })
  simulator.connect('https://gateway.example')
  const app: App = { id: 1, channel: 3, name: 'Amazon', ...simulator.app }
  const other = (change: Partial<AmazonOptions>) =>
    createAmazon({
      urls: simulator.urls,
      topics: [simulator.topic.arn],
      snsOrigin: simulator.origin,
      budget: { take: async () => {} },
      timeout: 15_000,
      ...options,
      ...change,
    })
  const { sellerId, region } = simulator.market.addAccount()
  const rejected: string[] = []
  let token = simulator.market.issueAccessToken(sellerId)
  const session: Session = {
    app,
    sellerId,
    region,
    token: async () => token,
    async rejected(refused) {
      rejected.push(refused)
      token = simulator.market.issueAccessToken(sellerId)
    },
  }
  return { simulator, amazon: other({}), app, session, sellerId, rejected, other, signal: AbortSignal.timeout(50_000) }
}
