import { type RunningConsumer, startConsumer } from '@tributary/consumer'
import { type Database, listSpiServices, type SpiServiceRow } from '@tributary/database'
import {
  createEndpoint,
  createSender,
  type DeliveryPolicy,
  type Endpoint,
  type EndpointDefinition,
  type EndpointState,
  endpointConsumer,
  endpointKeyReader,
  type OpenedKey,
  readEndpointStates,
  readReplayStarts,
  type Sender,
  SPI_POLICY,
  setEndpointState,
} from '@tributary/delivery'
import type { EventLog } from '@tributary/event-log'
import { type Configuration, codeOf, type Logger, pause, type Service, type WorkLoop } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import { startAttemptUpkeep } from './attempt-upkeep.ts'
import { createLocator, type Locator } from './discovery/locator.ts'
import { healthOf, type RunningEndpoint } from './health.ts'
import { observeEndpoints } from './measure.ts'
import { createSellerCodes, type SellerCodes } from './seller-codes.ts'
import { endpointName, ORDER_SYNC, spiEndpoint, targetOf } from './spi-endpoint.ts'
import { WEBHOOK_POLICY, webhookEndpoint, webhooksOf, webhookTarget } from './webhook-endpoint.ts'

export type DispatcherContext = {
  configuration: Pick<Configuration, 'consumerGroups' | 'spiServices' | 'spiDiscovery' | 'wework' | 'delivery'>
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
  /** To services whose addresses the operator wrote down. */
  readonly internal: Sender
  /** To partners, who told us their addresses. */
  readonly external: Sender
  readonly sellerCodes: SellerCodes
  readonly locator: Locator
  /** By server code of a service, or by name of a webhook. */
  readonly endpoints: Map<string, RunningEndpoint>
  /** Rows of `eg_spi` as they stand now, by server code. */
  readonly rows: Map<string, SpiServiceRow>
  readonly readKeys: ReturnType<typeof endpointKeyReader>
  /** Our keys as they stood at the last look, by name of the endpoint. */
  keys: ReadonlyMap<string, readonly OpenedKey[]>
}

/**
 * Delivers order events to every SPI service of type 1 in `eg_spi` that a seller's row names, and changes of directories to
 * the webhooks of the configuration. Each is an endpoint with a consumer of its own, which starts and stops as its row comes and goes; a changed address, name or secret counts
 * within seconds.
 */
export function createDispatcher(context: DispatcherContext): Service {
  const { allowAddresses: allow, hosts } = context.configuration.delivery
  const dispatching: Dispatching = {
    context,
    internal: createSender({ reach: { scope: 'internal', allow }, hosts }),
    external: createSender({ reach: { scope: 'public', allow }, hosts }),
    sellerCodes: createSellerCodes(context.database),
    locator: createLocator(context.configuration),
    endpoints: new Map(),
    rows: new Map(),
    readKeys: endpointKeyReader(context),
    keys: new Map(),
  }
  const stopping = new AbortController()
  let looking: Promise<void> | undefined
  let forget = () => {}
  let upkeep: WorkLoop | undefined
  return {
    name: 'dispatcher',
    async start() {
      if (!looking) {
        beginWebhooks(dispatching)
        await follow(dispatching)
        warnOfUnknown(dispatching)
      }
      forget()
      forget = observeEndpoints(() => [...dispatching.endpoints.values()], context.database)
      looking ??= keepLooking(dispatching, stopping.signal)
      upkeep ??= startAttemptUpkeep(context)
    },
    health: () => healthOf([...dispatching.endpoints.values()], context.database),
    async stop() {
      forget()
      stopping.abort(new Error('The dispatcher stops.'))
      await Promise.all([looking, upkeep?.stop()])
      await Promise.all([...dispatching.endpoints.values()].map(({ consumer }) => consumer.stop()))
      await Promise.all([dispatching.internal.close(), dispatching.external.close()])
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
      dispatching.context.logger.warn({ code: codeOf(error) }, 'eg_spi cannot be read; the endpoints stay as they are')
    }
  }
}

/** Brings the endpoints in line with `eg_spi`. */
async function follow(dispatching: Dispatching): Promise<void> {
  const { context, endpoints } = dispatching
  const rows = await listSpiServices(context.database, ORDER_SYNC)
  // After the rows: whoever moves a secret from its row to our keys is seen at the old place or at the new one.
  const [states, replays, keys] = await Promise.all([
    readEndpointStates(context.database),
    readReplayStarts(context.database),
    dispatching.readKeys(),
    dispatching.locator.look(rows.map(({ serverName }) => serverName)),
  ])
  dispatching.keys = keys
  const codes = new Set(rows.map(({ serverCode }) => serverCode))
  for (const [code, running] of endpoints) {
    if (codes.has(code) || !dispatching.rows.has(code)) continue
    dispatching.rows.delete(code)
    endpoints.delete(code)
    await running.consumer.stop()
    context.logger.info({ endpoint: running.endpoint.definition.name }, 'endpoint gone from eg_spi; its cursor stays')
  }
  for (const row of rows) {
    dispatching.rows.set(row.serverCode, row)
    if (!endpoints.has(row.serverCode)) begin(dispatching, row)
  }
  for (const running of endpoints.values()) {
    const { name } = running.endpoint.definition
    await takeUpReplay(context, running, replays.get(name))
    await heed(context, running, states.get(name))
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
async function heed(context: DispatcherContext, { endpoint, target }: RunningEndpoint, decided: EndpointState | undefined) {
  const { name } = endpoint.definition
  const isGone = endpoint.isGone()
  const { state, reason } = isGone
    ? ({ state: 'disabled', reason: 'The receiver answered 410 Gone.' } as const)
    : (decided ?? ACTIVE)
  if (isGone && (await setEndpointState(context.database, { name, state, reason })))
    context.logger.warn({ endpoint: name }, 'endpoint disabled: its receiver answered 410 Gone; its cursor stays')
  endpoint.retarget(
    state === 'active'
      ? target()
      : { problem: `The endpoint is ${state}: ${reason} Resume it with: tributary endpoint resume ${name}` },
  )
}

const ACTIVE = { state: 'active', reason: '' } as const

const consumerOf = ({ log, logger, database }: DispatcherContext, endpoint: Endpoint): RunningConsumer =>
  startConsumer({ definition: endpointConsumer(endpoint, { log, logger }), database, log, logger })

function begin(dispatching: Dispatching, first: SpiServiceRow): void {
  const { context, sellerCodes, locator, rows } = dispatching
  const { configuration, vault } = context
  const group = configuration.consumerGroups.orderSpi
  const row = () => rows.get(first.serverCode) ?? first
  const policy = policyOf(context, endpointName(group, first.serverCode))
  const definition = spiEndpoint({ row, group, sellerCodes, vault, policy })
  const { name } = definition
  const target = () => targetOf({ row: row(), located: locator.find(row().serverName), name, ours: keysOf(dispatching, name) })
  const notice = () => {
    const located = locator.find(row().serverName)
    return 'problem' in located ? undefined : located.leftOut
  }
  run(dispatching, { code: first.serverCode, definition, target, notice, sender: dispatching.internal })
}

const keysOf = ({ keys }: Dispatching, name: string): readonly OpenedKey[] => keys.get(name) ?? []

function beginWebhooks(dispatching: Dispatching): void {
  const { configuration, vault } = dispatching.context
  for (const named of webhooksOf(configuration)) {
    const policy = { ...WEBHOOK_POLICY, ...policyOf(dispatching.context, named.name) }
    run(dispatching, {
      code: named.name,
      definition: webhookEndpoint({ named, vault, policy }),
      target: () => webhookTarget(named, keysOf(dispatching, named.name)),
      sender: dispatching.external,
    })
  }
}

function warnOfUnknown({ context, endpoints }: Dispatching): void {
  const known = new Set([...endpoints.values()].map(({ endpoint }) => endpoint.definition.name))
  const unknown = Object.keys(context.configuration.delivery.endpoints).filter((name) => !known.has(name))
  if (unknown.length > 0) context.logger.warn({ unknown }, 'tributary.delivery.endpoints names endpoints that are not there')
}

/** What the configuration says of an endpoint. */
function policyOf({ configuration, policy = {} }: DispatcherContext, name: string): Partial<DeliveryPolicy> {
  const { perSecond, ...treatment } = configuration.delivery.endpoints[name] ?? {}
  const { limits = SPI_POLICY.limits } = policy
  return { ...policy, ...treatment, ...(perSecond === undefined ? {} : { limits: { ...limits, perSecond } }) }
}

function run(
  { context, endpoints }: Dispatching,
  parts: Pick<RunningEndpoint, 'code' | 'target' | 'notice'> & { definition: EndpointDefinition; sender: Sender },
): void {
  const { definition, sender, ...named } = parts
  const { code } = named
  if (endpoints.has(code)) return
  const endpoint = createEndpoint(definition, sender)
  endpoints.set(code, { ...named, endpoint, consumer: consumerOf(context, endpoint), replayStarted: undefined })
}
