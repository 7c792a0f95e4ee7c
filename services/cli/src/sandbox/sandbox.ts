import { join, resolve } from 'node:path'
import { runUntilSignal, type Service } from '@tributary/runtime'
import { type Sent, sendOrders } from './flow.ts'
import { describeOrder, type OrderProgress, watchProgress } from './progress.ts'
import { type Report, readReport, whatIsMissing } from './report.ts'
import { openWorld, type World } from './world.ts'

export type SandboxOptions = {
  orders?: number
  rate: number
  log: 'mysql' | 'kafka'
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
    `Tributary sandbox: starting MariaDB${options.log === 'kafka' ? ', Apache Kafka' : ''}, a simulated eBay, two simulated receivers and all services ...`,
  )
  const world = await openWorld({ folder: resolve(options.folder), seed: options.seed, log: options.log })
  const finished = new AbortController()
  const flow = createFlow(world, options, started, () => finished.abort())
  let code: number
  try {
    code = await runUntilSignal([...world.services, flow], { logger: world.platform.logger, until: finished.signal })
  } finally {
    await world.close({ keep: options.keep ?? false })
  }
  say(options.keep ? howToConnect(world) : 'Stopped; no process is left.')
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

  async function run(userId: string): Promise<void> {
    const progress = watchProgress({
      database: world.platform.database,
      log: world.platform.log,
      receiversOf: countArrivals(world),
      expectedReceivers: world.receivers.length,
    })
    const sending = sendOrders(world, {
      userId,
      rate: options.rate,
      count: options.orders ?? Number.POSITIVE_INFINITY,
      signal: ending.signal,
      onOrder: progress.add,
    })
    const telling = tell(progress, sending, ending.signal)
    const sent = await sending
    await telling
    if (ending.signal.aborted || options.orders === undefined) return
    result = await compare(world, sent, (Date.now() - started) / 1000)
    if (options.exit) onFinished()
    else say(`All ${sent.orders.length} orders went all the way. Ctrl-C stops.`)
  }

  return {
    name: 'sandbox',
    async start() {
      const seller = await world.authorize()
      announce(world, options, Date.now() - started)
      running = run(seller.userId)
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
async function tell(progress: ReturnType<typeof watchProgress>, sending: Promise<Sent>, signal: AbortSignal): Promise<void> {
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
    }
    if (Date.now() - lastSummary > SUMMARY_INTERVAL) {
      lastSummary = Date.now()
      say(`  ${summary([...progress.orders.values()])}`)
    }
    if (sentTime !== undefined && (done === progress.orders.size || Date.now() - sentTime > PATIENCE)) return
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL))
  }
}

async function compare(world: World, sent: Sent, seconds: number): Promise<{ report: Report; missing: string[] }> {
  const delivered = world.receivers.reduce((sum, receiver) => sum + receiver.record.taken, 0)
  const report = await readReport(world.platform.database, delivered, seconds)
  const orders = sent.orders.length
  return { report, missing: whatIsMissing(report, { orders, lines: sent.lines, deliveries: orders * world.receivers.length }) }
}

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

function announce(world: World, options: SandboxOptions, milliseconds: number): void {
  const [warehouse, accounting] = world.receivers.map(({ url }) => url)
  say(
    [
      `Ready after ${(milliseconds / 1000).toFixed(1)} s.`,
      `  gateway     ${world.gatewayUrl}  (ingest, order-sync, contact-sync, projector, dispatcher; ${world.gatewayUrl}/healthz)`,
      `  metrics     ${world.metricsUrl}  (Prometheus)`,
      `  MariaDB     127.0.0.1:${world.server.port}, database tributary_sandbox`,
      ...(world.broker ? [`  Kafka       127.0.0.1:${world.broker.port}, the log`] : []),
      `  eBay        ${new URL(world.simulator.urls.tokenUrl).origin}  (simulated; one seller has authorized the app)`,
      `  receivers   warehouse ${warehouse}, accounting ${accounting}  (simulated; they verify every signature)`,
      `Orders flow at ${options.rate} a second${options.orders === undefined ? '; Ctrl-C stops' : `, ${options.orders} in all`}:`,
    ].join('\n'),
  )
}

function summary(orders: readonly OrderProgress[]): string {
  const count = (step: 'appended' | 'projected' | 'delivered') => orders.filter((order) => order[step]).length
  return `${orders.length} orders: ${count('appended')} in the log, ${count('projected')} in the tables, ${count('delivered')} delivered`
}

function howToConnect({ server, configurationFile, folder }: World): string {
  return [
    'MariaDB stays. Connect with:',
    `  mysql --protocol=tcp --host=127.0.0.1 --port=${server.port} --user=root --password="$(cat ${join(folder, 'mariadb/password')})" tributary_sandbox`,
    `The configuration of the sandbox is ${configurationFile}. End the server with: kill $(cat ${join(folder, 'mariadb/server.pid')})`,
  ].join('\n')
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
