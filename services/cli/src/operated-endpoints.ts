import type { Endpoints } from '@tributary/console'
import { countAskedReplay, listEndpoints, planAskedReplay, testEndpoint } from '@tributary/dispatcher'
import type { Platform } from './platform.ts'

type Parts = Parameters<typeof testEndpoint>[0] & Pick<Platform, 'database' | 'log'>

/** The dispatcher's knowledge of endpoints for the HTTP API: services do not know each other. */
export const operatedEndpoints =
  (parts: Parts): Endpoints =>
  async () =>
    (await listEndpoints(parts)).map((endpoint) => ({
      ...endpoint,
      test: (signal) => testEndpoint(parts, endpoint, signal),
      planReplay: (range) => planAskedReplay(parts, endpoint, range),
      countReplay: (plan, options) => countAskedReplay(parts, endpoint, plan, options),
    }))
