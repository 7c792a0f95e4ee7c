import type { Database } from '@tributary/database'
import { countLanes, type GateView } from '@tributary/delivery'
import { gauge, observe, type Reading } from '@tributary/runtime'
import type { RunningEndpoint } from './health.ts'

const states = gauge({
  name: 'tributary_endpoint_state',
  help: 'Whether requests go to the endpoint: 1 at the state it is in, of open, failing (probed only) and shut.',
  labels: ['endpoint', 'state'],
})
const lanes = gauge({
  name: 'tributary_lanes',
  help: 'Keys of the endpoint that are in trouble: retrying, or blocked until a person resumes them.',
  labels: ['endpoint', 'state'],
})
const oldestLane = gauge({
  name: 'tributary_lane_oldest_seconds',
  help: 'How long the key has been in trouble that has been so longest.',
  labels: ['endpoint'],
})
const setAside = gauge({
  name: 'tributary_lane_events',
  help: 'Events that wait in lanes of partitions that this process has.',
  labels: ['endpoint'],
})

const STATES: readonly GateView['state'][] = ['open', 'failing', 'shut']

/** Tells at every scrape how the endpoints do, until the function that it answers is called. */
export function observeEndpoints(endpoints: () => readonly RunningEndpoint[], database: Database): () => void {
  return observe('endpoints', async () => (await Promise.all(endpoints().map((one) => readingsOf(one, database)))).flat())
}

async function readingsOf({ endpoint: running }: RunningEndpoint, database: Database): Promise<Reading[]> {
  const endpoint = running.definition.name
  const { state: current, aside } = running.gate.view()
  const { retrying, blocked, oldestSince } = await countLanes(database, endpoint)
  return [
    ...STATES.map((state) => states.reading(state === current ? 1 : 0, { endpoint, state })),
    lanes.reading(retrying, { endpoint, state: 'retrying' }),
    lanes.reading(blocked, { endpoint, state: 'blocked' }),
    oldestLane.reading(oldestSince === undefined ? 0 : Math.max(0, Date.now() - oldestSince) / 1_000, { endpoint }),
    setAside.reading(aside, { endpoint }),
  ]
}
