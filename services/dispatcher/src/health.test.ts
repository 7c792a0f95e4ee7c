import type { ConsumerFigures } from '@tributary/consumer'
import { createEndpoint, createSender, type LaneCounts, type Sender } from '@tributary/delivery'
import { ORDER_TOPIC } from '@tributary/events'
import { expect } from 'chai'
import { judge, type RunningEndpoint } from './health.ts'

const MINUTES = 60_000
const NO_LANES: LaneCounts = { retrying: 0, blocked: 0, waiting: 0, oldestSince: undefined }

describe('The health of an endpoint', () => {
  let sender: Sender
  before(() => {
    sender = createSender({ reach: { scope: 'internal', allow: [] } })
  })
  after(() => sender.close())

  /** Opened so long ago, its last request answered so long ago, in milliseconds. */
  const endpointOf = ({ open, answered }: { open: number; answered?: number }) => {
    const types = ['OrderReceived'] as const
    const of = { name: 'group:warehouse', topic: ORDER_TOPIC, group: 'group', types, contract: 1 }
    const now = performance.now
    try {
      performance.now = () => now.call(performance) - open
      const endpoint = createEndpoint({ ...of, route: async () => [], bodies: async () => [] }, sender)
      endpoint.retarget({ problem: 'paused' })
      endpoint.retarget({ url: 'http://127.0.0.1:1/', keys: [] })
      if (answered !== undefined) endpoint.last.failure = { time: Date.now() - answered, kind: 'failed', reason: 'status 500' }
      return endpoint
    } finally {
      performance.now = now
    }
  }
  const statusOf = (endpoint: RunningEndpoint['endpoint'], stage: 'preparing' | 'elsewhere' = 'preparing') => {
    const partition = { partition: 0, stage, next: 1, lag: 9, lagSeconds: 3_600, stalledSeconds: 3_600, parkedKeys: 0 }
    const figures = { lag: 9, lagSeconds: 3_600, stalledSeconds: 3_600, rate: 0, applied: 0, fences: 0, parkedKeys: 0 }
    const all: ConsumerFigures = { ...figures, lastCommitTime: null, partitions: [partition] }
    return judge({ code: 'warehouse', endpoint } as RunningEndpoint, all, NO_LANES).status
  }

  it('is down when its cursor stands still though it has long been open and nothing comes of any request', () => {
    expect(statusOf(endpointOf({ open: 5 * MINUTES }))).to.equal('down')
    expect(statusOf(endpointOf({ open: 5 * MINUTES, answered: 2 * MINUTES }))).to.equal('down')
  })

  it('is degraded while it is behind because it was away until a moment ago, or only slow', () => {
    expect(statusOf(endpointOf({ open: 1_000 })), 'just back').to.equal('degraded')
    expect(statusOf(endpointOf({ open: 5 * MINUTES, answered: 1_000 })), 'slow').to.equal('degraded')
  })

  it('is degraded while a person keeps it, or when a partition of another process stands still', () => {
    const shut = endpointOf({ open: 5 * MINUTES })
    shut.retarget({ problem: 'paused' })
    expect(statusOf(shut)).to.equal('degraded')
    expect(statusOf(endpointOf({ open: 5 * MINUTES }), 'elsewhere')).to.equal('degraded')
  })
})
