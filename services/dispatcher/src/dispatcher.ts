import { type RunningConsumer, startConsumer } from '@tributary/consumer'
import { type Database, listSpiServices, type SpiServiceRow } from '@tributary/database'
import {
  createEndpoint,
  createSender,
  type DeliveryPolicy,
  type Endpoint,
  type EndpointState,
  endpointConsumer,
  readEndpointStates,
  readReplayStarts,
  type Sender,
  setEndpointState,
} from '@tributary/delivery'
import type { EventLog } from '@tributary/event-log'
import { type Configuration, type Logger, pause, type Service } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import { healthOf, type RunningEndpoint } from './health.ts'
import { observeEndpoints } from './measure.ts'
import { createSellerCodes, type SellerCodes } from './seller-codes.ts'
import { ORDER_SYNC, spiEndpoint, targetOf } from './spi-endpoint.ts'

export type DispatcherContext = {
  configuration: Pick<Configuration, 'consumerGroups' | 'spiServices'>
  database: Database
  log: EventLog
  vault: Vault
  logger: Logger
  /** For tests, which cannot wait as long; the rules of packages/delivery else. */
  policy?: Partial<DeliveryPolicy>
  /** Milliseconds between two looks at `eg_spi`, 2,000 unless a test is in a hurry. */
  lookEvery?: number
}

const LOOK_EVERY = 2_000

type Dispatching = {
  readonly context: DispatcherContext
  readonly sender: Sender
  readonly sellerCodes: SellerCodes
  readonly endpoints: Map<string, RunningEndpoint>
}

/**
 * Delivers order events to every SPI service of type 1 in `eg_spi` that a seller's row names. Each service is an endpoint
 * with a consumer of its own, which starts and stops as its row comes and goes; a changed address, name or secret counts
 * within seconds.
 */
export function createDispatcher(context: DispatcherContext): Service {
  const dispatching: Dispatching = {
    context,
    sender: createSender(),
    sellerCodes: createSellerCodes(context.database),
    endpoints: new Map(),
  }
  const stopping = new AbortController()
  let looking: Promise<void> | undefined
  let forget = () => {}
  return {
    name: 'dispatcher',
    async start() {
      if (!looking) await follow(dispatching)
      forget()
      forget = observeEndpoints(() => [...dispatching.endpoints.values()], context.database)
      looking ??= keepLooking(dispatching, stopping.signal)
    },
    health: () => healthOf([...dispatching.endpoints.values()], context.database),
    async stop() {
      forget()
      stopping.abort(new Error('The dispatcher stops.'))
      await looking
      await Promise.all([...dispatching.endpoints.values()].map(({ consumer }) => consumer.stop()))
      await dispatching.sender.close()
    },
  }
}

async function keepLooking(dispatching: Dispatching, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(dispatching.context.lookEvery ?? LOOK_EVERY, signal)
    if (signal.aborted) return
    try {
      await follow(dispatching)
    } catch (error) {
      // Endpoints go on as they are known; each look that fails is told, because changes do not get through.
      const { code } = error as { code?: unknown }
      dispatching.context.logger.warn({ code }, 'eg_spi cannot be read; the endpoints stay as they are')
    }
  }
}

/** Brings the endpoints in line with `eg_spi`. */
async function follow(dispatching: Dispatching): Promise<void> {
  const { context, endpoints } = dispatching
  const rows = await listSpiServices(context.database, ORDER_SYNC)
  const [states, replays] = await Promise.all([readEndpointStates(context.database), readReplayStarts(context.database)])
  const codes = new Set(rows.map(({ serverCode }) => serverCode))
  for (const [code, running] of endpoints) {
    if (codes.has(code)) continue
    endpoints.delete(code)
    await running.consumer.stop()
    context.logger.info({ endpoint: running.endpoint.definition.name }, 'endpoint gone from eg_spi; its cursor stays')
  }
  for (const row of rows) {
    const running = endpoints.get(row.serverCode) ?? begin(dispatching, row)
    running.row = row
    await takeUpReplay(context, running, replays.get(running.endpoint.definition.name))
    await heed(context, running, states.get(running.endpoint.definition.name))
  }
}

/** A replay set the endpoint's cursors back: what reads from where they stood begins anew. */
async function takeUpReplay(context: DispatcherContext, running: RunningEndpoint, started: number | undefined): Promise<void> {
  const isNew = started !== undefined && started !== running.replayStarted
  const isKnown = running.replayStarted !== undefined
  running.replayStarted = started ?? 0
  if (!isNew || !isKnown) return
  await running.consumer.stop()
  running.consumer = consumerOf(context, running.endpoint)
  context.logger.info(
    { endpoint: running.endpoint.definition.name },
    'a replay was asked for; the endpoint begins at its cursor',
  )
}

/** Lets an endpoint send or keeps it where it stands, as people decided, or its receiver. */
async function heed(context: DispatcherContext, { endpoint, row }: RunningEndpoint, decided: EndpointState | undefined) {
  const { name } = endpoint.definition
  const isGone = endpoint.isGone()
  const { state, reason } = isGone
    ? ({ state: 'disabled', reason: 'The receiver answered 410 Gone.' } as const)
    : (decided ?? ACTIVE)
  if (isGone && (await setEndpointState(context.database, { name, state, reason })))
    context.logger.warn({ endpoint: name }, 'endpoint disabled: its receiver answered 410 Gone; its cursor stays')
  endpoint.retarget(
    state === 'active'
      ? targetOf(row, context.configuration.spiServices)
      : { problem: `The endpoint is ${state}: ${reason} Resume it with: tributary endpoint resume ${name}` },
  )
}

const ACTIVE = { state: 'active', reason: '' } as const

const consumerOf = ({ log, logger, database }: DispatcherContext, endpoint: Endpoint): RunningConsumer =>
  startConsumer({ definition: endpointConsumer(endpoint, { log, logger }), database, log, logger })

function begin({ context, sender, sellerCodes, endpoints }: Dispatching, first: SpiServiceRow): RunningEndpoint {
  const { configuration, vault, policy = {} } = context
  const group = configuration.consumerGroups.orderSpi
  const row = () => endpoints.get(first.serverCode)?.row ?? first
  const endpoint = createEndpoint(spiEndpoint({ row, group, sellerCodes, vault, policy }), sender)
  const running: RunningEndpoint = { row: first, endpoint, consumer: consumerOf(context, endpoint), replayStarted: undefined }
  endpoints.set(first.serverCode, running)
  return running
}
