import { createTiktok } from '@tributary/channels/tiktok'
import { createTiktokMarketplace } from '@tributary/test/simulators/tiktok'
import { channelContract } from './channel.ts'

channelContract('TikTok Shop', async () => {
  const marketplace = await createTiktokMarketplace({ seed: 3 })
  const app = { id: 1, channel: 2, name: 'TikTok Shop', ...marketplace.app }
  const options = { urls: marketplace.urls, budget: { take: async () => {} } }
  const channel = createTiktok({ ...options, apps: async () => [app] })
  return { channel, marketplace, app, unarmed: createTiktok({ ...options, apps: async () => [] }) }
})
