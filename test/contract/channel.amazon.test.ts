import { createAmazon } from '@tributary/channels/amazon'
import { createAmazonMarketplace } from '@tributary/test/simulators/amazon'
import { channelContract } from './channel.ts'

channelContract('Amazon', async () => {
  const marketplace = await createAmazonMarketplace({ seed: 3 })
  const app = { id: 1, channel: 3, name: 'Amazon', ...marketplace.app }
  const options = { urls: marketplace.urls, budget: { take: async () => {} }, snsOrigin: marketplace.origin }
  const channel = createAmazon({ ...options, topics: [marketplace.topic.arn] })
  return { channel, marketplace, app, unarmed: createAmazon(options) }
})
