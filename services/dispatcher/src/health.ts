import type { ConsumerFigures, RunningConsumer } from '@tributary/consumer'
import type { Database } from '@tributary/database'
import { ADDRESS_REFUSED, countLanes, type Endpoint, type LaneCounts, type Target } from '@tributary/delivery'
import type { HealthReport, HealthStatus } from '@tributary/runtime'

export type RunningEndpoint = {
  /** Its short name, for health. */
  readonly code: string
  /** Where to send as things stand. */
  target(): Target | { problem: string }
  /** What an operator should know of where it is, though requests go there. */
  notice?(): string | undefined
  readonly endpoint: Endpoint
  consumer: RunningConsumer
  /** When the replay began that the consumer knows of; undefined before the first look. */
  replayStarted: number | undefined
}

/** Seconds that a partition may stand still while its endpoint takes requests and none is answered. */
const STALLED = 60
/** Milliseconds that a key may be in trouble before somebody should know. */
const LONG_IN_TROUBLE = 300_000

/**
 * How every endpoint does. A receiver in trouble makes the service `degraded`, never `down`: it would not help to start
 * it anew. `down` is a cursor of ours that stands still although its endpoint has been open for a while and nothing comes of any
 * request: not one of another process, nor one that is only slow, or behind after its endpoint was away.
 */
export async function healthOf(endpoints: readonly RunningEndpoint[], database: Database): Promise<HealthReport> {
  const reports = await Promise.all(endpoints.map((running) => reportOf(running, database)))
  const status = worst(reports.map((report) => report.status))
  const reasons = reports.flatMap(({ code, reason }) => (reason === undefined ? [] : [`${code}: ${reason}`]))
  return {
    name: 'dispatcher',
    status,
    ...(reasons.length === 0 ? {} : { reason: reasons.join(' ') }),
    details: Object.fromEntries(reports.map(({ code, details }) => [code, details])),
  }
}

type EndpointReport = { code: string; status: HealthStatus; reason: string | undefined; details: Record<string, unknown> }

async function reportOf(running: RunningEndpoint, database: Database): Promise<EndpointReport> {
  const { code, endpoint, consumer } = running
  try {
    const [figures, lanes] = await Promise.all([consumer.figures(), countLanes(database, endpoint.definition.name)])
    return judge(running, figures, lanes)
  } catch {
    // Without the database the consumer says all there is to say.
    const { status, reason } = await consumer.health()
    return { code, status, reason, details: { state: endpoint.gate.view().state } }
  }
}

/** How an endpoint does by its figures and its lanes. */
export function judge(
  { code, endpoint, notice }: RunningEndpoint,
  figures: ConsumerFigures,
  lanes: LaneCounts,
): EndpointReport {
  const gate = endpoint.gate.view()
  const reason = reasonOf(endpoint, figures, lanes) ?? notice?.()
  const isStalled = isLong(gate.openFor) && !gate.isFull && isLong(sinceOutcome(endpoint)) && hasStalled(figures)
  return {
    code,
    status: isStalled ? 'down' : reason === undefined ? 'ok' : 'degraded',
    reason,
    details: {
      state: gate.state,
      since: gate.since,
      nextProbeTime: gate.probeTime,
      lag: figures.lag,
      lagSeconds: figures.lagSeconds,
      stalledSeconds: figures.stalledSeconds,
      rate: figures.rate,
      fences: figures.fences,
      parkedKeys: figures.parkedKeys,
      lanes,
      lastSuccess: endpoint.last.success,
      lastFailure: endpoint.last.failure,
    },
  }
}

function reasonOf(endpoint: Endpoint, figures: ConsumerFigures, lanes: LaneCounts): string | undefined {
  const { name } = endpoint.definition
  const { state, reason, aside } = endpoint.gate.view()
  const troubled = Date.now() - (lanes.oldestSince ?? Date.now())
  if (state === 'shut') return reason
  if (state === 'failing' && reason === ADDRESS_REFUSED)
    return `Its name or URL leads to an address that deliveries may not go to (tributary.delivery.allow-addresses); its events wait in order.`
  if (state === 'failing') return `The endpoint fails (${reason}); it is probed, and its events wait in order.`
  const parked = `${figures.parkedKeys} keys are parked at an event that cannot be read, or made a request of. See: tributary parked list --consumer ${name}`
  const blocked = `${lanes.blocked} keys are blocked after their last retry. Once the receiver is mended: tributary deliveries retry ${name}`
  // Each wants something else of a person.
  const stuck = [...(lanes.blocked > 0 ? [blocked] : []), ...(figures.parkedKeys > 0 ? [parked] : [])]
  if (stuck.length > 0) return stuck.join(' ')
  if (isFull(endpoint)) return `${aside} events are set aside, so no more are taken until some get through.`
  if (figures.stalledSeconds > STALLED) return `Nothing has come forward for ${figures.stalledSeconds} s.`
  if (troubled > LONG_IN_TROUBLE)
    return `${lanes.retrying} keys wait for a retry, the longest for ${Math.round(troubled / 60_000)} minutes.`
  return undefined
}

const isLong = (milliseconds: number): boolean => milliseconds > STALLED * 1_000

const sinceOutcome = ({ last }: Endpoint): number => Date.now() - Math.max(last.success ?? 0, last.failure?.time ?? 0)

const hasStalled = ({ partitions }: ConsumerFigures): boolean =>
  partitions.some(({ stage, stalledSeconds }) => stage !== 'elsewhere' && stalledSeconds > STALLED)

const isFull = ({ gate }: Endpoint): boolean => gate.view().isFull

function worst(statuses: readonly HealthStatus[]): HealthStatus {
  return statuses.includes('down') ? 'down' : statuses.includes('degraded') ? 'degraded' : 'ok'
}
