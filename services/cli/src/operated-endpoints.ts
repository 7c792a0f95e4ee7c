import type { Endpoints } from '@tributary/console'
import { countAskedReplay, listEndpoints, planAskedReplay, testEndpoint } from '@tributary/dispatcher'
import type { Platform } from './platform.ts'

type Parts = Parameters<typeof testEndpoint>[0] & Pick<Platform, 'database' | 'log'>

/** The dispatcher's knowledge of endpoints for the HTTP API: services do not know each other. */
export const operatedEndpoints = (parts: Parts): Endpoints => ({
  list: () => listEndpoints(parts),
  test: (name, signal) => testEndpoint(parts, name, signal),
  planReplay: (endpoint, range) => planAskedReplay(parts, endpoint, range),
  async countReplay(name, plan, signal) {
    const endpoint = (await listEndpoints(parts)).find((one) => one.name === name)
    return endpoint && (await countAskedReplay(parts, endpoint, plan, { signal }))
  },
})
