import { createEbay } from '@tributary/channels/ebay'
import { createEbaySimulator, ebayMarketplace } from '@tributary/test/simulators/ebay'
import { channelContract } from './channel.ts'

channelContract('eBay', async () => {
  const simulator = await createEbaySimulator({ seed: 3 })
  const marketplace = ebayMarketplace(simulator, '')
  const app = { id: 1, channel: 1, name: 'eBay', ...marketplace.app }
  const channel = createEbay({ urls: simulator.urls, app: async () => app, budget: { take: async () => {} } })
  return { channel, marketplace, app }
})
