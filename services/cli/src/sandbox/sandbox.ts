import { resolve } from 'node:path'
import { runUntilSignal, type Service } from '@tributary/runtime'
import { describeKept, describeReady } from './announcement.ts'
import { contactsArrived, describeContacts } from './contacts.ts'
import { type Sent, sendAll } from './flow.ts'
import { describeLog, type LogName } from './log-server.ts'
import type { MarketplaceName } from './marketplaces.ts'
import { describeOrder, type OrderProgress, watchProgress } from './progress.ts'
import { type Report, readReport } from './report.ts'
import { createShipments, type SandboxShipments } from './shipments.ts'
import { openWorld, type World } from './world.ts'

export type SandboxOptions = {
  orders?: number
  /** How many members the simulated corp takes on; with it alone, no orders flow. */
  contacts?: number
  channels?: readonly MarketplaceName[]
  rate: number
  log: LogName
  exit?: boolean
  json?: boolean
  keep?: boolean
  seed: number
  folder: string
}

/** Orders told step by step; later ones only in the summary. */
const TOLD = 3
const SUMMARY_INTERVAL = 10_000
const LOOK_INTERVAL = 100
/** How long after the last order everything must have arrived. */
const PATIENCE = 60_000

/**
 * Runs everything on this machine until Ctrl-C, or with `exit` until every order went all the way. Answers the exit
 * code: with `exit` it is 0 only if nothing is missing.
 */
export async function runSandbox(options: SandboxOptions): Promise<number> {
  const started = Date.now()
  say(
    `Tributary sandbox: starting MariaDB${describeLog(options.log)}, simulated ${simulatedOf(options)}, their receivers and all services ...`,
  )
  const { seed, log } = options
  const world = await openWorld({
    ...{ folder: resolve(options.folder), seed, log },
    channels: marketplacesOf(options),
    contacts: options.contacts !== undefined,
  })
  const finished = new AbortController()
  const flow = createFlow(world, options, started, () => finished.abort())
  let code: number
  try {
    code = await runUntilSignal([...world.services, flow], { logger: world.platform.logger, until: finished.signal })
  } finally {
    await world.close({ keep: options.keep ?? false })
  }
  say(options.keep ? describeKept(world) : 'Stopped; no process is left.')
  return options.exit ? conclude(code, flow.report(), options.json ?? false) : code
}

/** Says what arrived, as the last thing on stdout, and answers the exit code. */
function conclude(code: number, result: ReturnType<Flow['report']>, json: boolean): number {
  if (!result) {
    say('Stopped before every order went all the way.')
    return code === 0 ? 1 : code
  }
  for (const missing of result.missing) say(`missing: ${missing}`)
  say(json ? JSON.stringify(result.report) : JSON.stringify(result.report, null, 2))
  return code === 0 && result.missing.length > 0 ? 1 : code
}

type Flow = Service & { report(): { report: Report; missing: string[] } | undefined }

/** The life of the sandbox as a service: the last to start and the first to stop. */
function createFlow(world: World, options: SandboxOptions, started: number, onFinished: () => void): Flow {
  const ending = new AbortController()
  let running: Promise<void> = Promise.resolve()
  let result: { report: Report; missing: string[] } | undefined

  async function run(sellers: { sellerId: string }[]): Promise<void> {
    const receiversOf = countArrivals(world)
    const shipments = createShipments(world)
    const progress = watchProgress({
      database: world.platform.database,
      log: world.platform.log,
      receiversOf,
      expectedReceivers: world.receivers.length,
    })
    const sending = sendAll(world, {
      sellers,
      rate: options.rate,
      orders: options.orders ?? Number.POSITIVE_INFINITY,
      contacts: options.contacts ?? 0,
      signal: ending.signal,
      onOrder: progress.add,
    })
    const telling = tell(world, { progress, shipments, sending, signal: ending.signal })
    const sent = await sending
    await telling
    if (ending.signal.aborted || isEndless(options)) return
    const delivered = sent.orders.reduce((sum, orderId) => sum + receiversOf(orderId), 0)
    result = await compare(world, { sent, delivered, shipments, seconds: (Date.now() - started) / 1000 })
    if (options.exit) onFinished()
    else say(`All ${sent.orders.length} orders and ${sent.contacts} contacts went all the way. Ctrl-C stops.`)
  }

  return {
    name: 'sandbox',
    async start() {
      const sellers = await world.authorize()
      await world.contacts?.authorize(world.gatewayUrl, world.platform.database)
      say(describeReady(world, { milliseconds: Date.now() - started, rate: options.rate, isEndless: isEndless(options) }))
      running = run(sellers)
      running.catch((error: unknown) => {
        say(`The sandbox failed: ${error instanceof Error ? error.message : String(error)}`)
        onFinished()
      })
    },
    health: async () => ({ name: 'sandbox', status: 'ok' }),
    async stop() {
      ending.abort()
      await running.catch(() => {})
    },
    report: () => result,
  }
}

/** Tells the first orders one by one and the rest in sums, until all that were sent have arrived or patience ends. */
async function tell(
  world: World,
  {
    progress,
    shipments,
    sending,
    signal,
  }: {
    progress: ReturnType<typeof watchProgress>
    shipments: SandboxShipments
    sending: Promise<Sent>
    signal: AbortSignal
  },
): Promise<void> {
  let sentTime: number | undefined
  let told = 0
  let done = 0
  let lastSummary = Date.now()
  void sending.then(() => {
    sentTime = Date.now()
  })
  while (!signal.aborted) {
    for (const order of await progress.look()) {
      done += 1
      if (told++ < TOLD) say(`  ${describeOrder(order)}`)
      await shipments.arrived(order)
    }
    if (Date.now() - lastSummary > SUMMARY_INTERVAL) {
      lastSummary = Date.now()
      await sum(world, progress)
    }
    if (sentTime !== undefined && Date.now() - sentTime > PATIENCE) return
    if (sentTime !== undefined && done === progress.orders.size && (await restArrived(world, shipments, await sending))) return
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL))
  }
}

/** Says how much of what flows has arrived where. */
async function sum({ marketplaces, contacts, platform }: World, { orders }: ReturnType<typeof watchProgress>): Promise<void> {
  if (marketplaces.length > 0) say(`  ${summary([...orders.values()])}`)
  if (contacts) say(`  ${await describeContacts(contacts, platform)}`)
}

async function compare(
  world: World,
  outcome: { sent: Sent; delivered: number; shipments: SandboxShipments; seconds: number },
): Promise<{ report: Report; missing: string[] }> {
  const { sent, seconds } = outcome
  const { asked, ...shipments } = await outcome.shipments.count()
  const orders = sent.orders.length
  return await readReport(world.platform, {
    expected: {
      ...{ orders, lines: sent.lines, contacts: sent.contacts, deliveries: orders * world.receivers.length },
      shipments: { confirmed: asked, delivered: asked * world.receivers.length },
    },
    delivered: outcome.delivered + (world.contacts?.partner.record.taken ?? 0),
    shipments,
    withContacts: world.contacts !== undefined,
    seconds,
  })
}

async function restArrived(world: World, shipments: SandboxShipments, sent: Sent): Promise<boolean> {
  const { asked, confirmed, delivered } = await shipments.count()
  if (confirmed < asked || delivered < asked * world.receivers.length) return false
  return world.contacts === undefined || (await contactsArrived(world.contacts, world.platform, sent.contacts))
}

/** Whether orders flow until somebody stops them. */
export const isEndless = (options: SandboxOptions): boolean =>
  marketplacesOf(options).length > 0 && options.orders === undefined

/** Whose orders flow: nobody's where only contacts were asked for. */
const marketplacesOf = ({ channels, orders, contacts }: SandboxOptions): readonly MarketplaceName[] =>
  channels ?? (orders === undefined && contacts !== undefined ? [] : ['ebay'])

const simulatedOf = (options: SandboxOptions): string =>
  [...marketplacesOf(options), ...(options.contacts === undefined ? [] : ['WeCom'])].join(', ')

/** Listens to the receivers; answers how many of them have verified an order. */
function countArrivals({ receivers }: World): (orderId: string) => number {
  const receiversByOrder = new Map<string, Set<number>>()
  for (const [index, receiver] of receivers.entries()) {
    receiver.onArrival(() => {
      const arrival = receiver.record.arrivals.at(-1)
      const orderId = arrival?.taken ? arrival.key.split(':').at(-1) : undefined
      if (orderId) receiversByOrder.set(orderId, (receiversByOrder.get(orderId) ?? new Set()).add(index))
    })
  }
  return (orderId) => receiversByOrder.get(orderId)?.size ?? 0
}

function summary(orders: readonly OrderProgress[]): string {
  const count = (step: 'appended' | 'projected' | 'delivered') => orders.filter((order) => order[step]).length
  return `${orders.length} orders: ${count('appended')} in the log, ${count('projected')} in the tables, ${count('delivered')} delivered`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
