import type { SimulatedMarketplace } from '@tributary/test/marketplace'
import { createAmazonMarketplace } from '@tributary/test/simulators/amazon'
import { createEbaySimulator, ebayMarketplace } from '@tributary/test/simulators/ebay'
import { createLazadaMarketplace } from '@tributary/test/simulators/lazada'
import { createTiktokMarketplace } from '@tributary/test/simulators/tiktok'

/** The marketplaces that the sandbox can play, by the name of their channel. */
const MAKERS = {
  ebay: async (seed: number) => ebayMarketplace(await createEbaySimulator({ seed }), `\${SANDBOX_CHALLENGE_TOKEN}`),
  tiktok: (seed: number) => createTiktokMarketplace({ seed }),
  amazon: (seed: number) => createAmazonMarketplace({ seed, notifies: 'queue' }),
  lazada: (seed: number) => createLazadaMarketplace({ seed }),
} as const satisfies Record<string, (seed: number) => Promise<SimulatedMarketplace>>

export type MarketplaceName = keyof typeof MAKERS

/** Starts one simulated marketplace; `seed` repeats its orders. */
export const openMarketplace = (name: MarketplaceName, seed: number): Promise<SimulatedMarketplace> => MAKERS[name](seed)
