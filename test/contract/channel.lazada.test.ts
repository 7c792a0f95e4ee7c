import { createLazada } from '@tributary/channels/lazada'
import { createLazadaMarketplace } from '@tributary/test/simulators/lazada'
import { channelContract } from './channel.ts'

channelContract('Lazada', async () => {
  const marketplace = await createLazadaMarketplace({ seed: 3 })
  const app = { id: 1, channel: 4, name: 'Lazada', ...marketplace.app }
  const options = { urls: marketplace.urls, budget: { take: async () => {} } }
  const channel = createLazada({ ...options, apps: async () => [app] })
  return { channel, marketplace, app, unarmed: createLazada({ ...options, apps: async () => [] }) }
})
