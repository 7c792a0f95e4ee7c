import { countParked, lagOf, readCursors } from '@tributary/consumer'
import type { Database } from '@tributary/database'
import {
  ADDRESS_REFUSED,
  countLanes,
  type EndpointState,
  listDeliveries,
  lookAtReach,
  readEndpointStates,
  setEndpointState,
} from '@tributary/delivery'
import { type EndpointTarget, endpointTargets, listEndpoints, testEndpoint } from '@tributary/dispatcher'
import type { Configuration } from '@tributary/runtime'
import type { Command } from 'commander'
import { CommandError } from '../failure.ts'
import { knownEndpoint } from '../known-endpoints.ts'
import { printable, printLine, printRows } from '../output.ts'
import { type LogAccess, withDatabase, withHistory } from '../setting-up.ts'
import { recordChange } from '../what-commands-do.ts'
import { addEndpointKeyCommands } from './endpoint-key.ts'

/** How far back, milliseconds, a try says how an endpoint is now; one that fails is probed more often. */
const RECENT = 300_000
/** Milliseconds for the name of an endpoint. */
const LOOKUP_TIMEOUT = 2_000

/** `tributary endpoint list|pause|resume|test`: what we deliver to. */
export function addEndpointCommands(program: Command): void {
  const endpoint = program
    .command('endpoint')
    .description('what we deliver to: SPI services of eg_spi, webhooks of the configuration')
  endpoint
    .command('list')
    .description(
      'every endpoint, whether it is active, how far behind it is, its keys in trouble, and what stops or refuses it',
    )
    .option('--json', 'one JSON object a line')
    .action(async (options, command: Command) => printRows(await withHistory(command, list), options))
  endpoint
    .command('pause')
    .description('send nothing to an endpoint; it stands at its cursor, and gets everything, in order, once resumed')
    .argument('<endpoint>', 'as `endpoint list` shows it')
    .requiredOption('--reason <text>', 'for those who look at it later')
    .option('--disable', 'as one that is not expected back; the same, but shown so')
    .action((name: string, { reason, disable }, command: Command) =>
      decide(command, { name, state: disable ? 'disabled' : 'paused', reason: String(reason).slice(0, 200) }),
    )
  endpoint
    .command('resume')
    .description('send again to an endpoint that was paused, disabled, or answered 410')
    .argument('<endpoint>', 'as `endpoint list` shows it')
    .action((name: string, _options, command: Command) => decide(command, { name, state: 'active', reason: '' }))
  endpoint
    .command('test')
    .description(
      'send one message that is marked as a test, also to one that is paused; no cursor moves; exit code 1 if it fails',
    )
    .argument('<endpoint>', 'as `endpoint list` shows it')
    .option('--json', 'one JSON object')
    .action((name: string, options, command: Command) => withHistory(command, (access) => test(access, name, options)))
  addEndpointKeyCommands(endpoint)
}

/** Characters of an answer that are shown. */
const SHOWN = 500

async function test(access: LogAccess, name: string, { json }: { json?: boolean }): Promise<void> {
  const tested = await testEndpoint(access, await knownEndpoint(access.database, access.configuration, name), access.signal)
  if (tested.kind === 'unready') throw new CommandError('ENDPOINT_UNREADY', tested.problem)
  const { kind, reason, status, durationMs, answer } = tested.outcome
  const shown = printable(answer).slice(0, SHOWN)
  if (json) printLine(JSON.stringify({ endpoint: name, outcome: kind, reason, status, ms: durationMs, answer }))
  else printLine(`${[kind, ...saidBy(status, reason)].join(', ')}, ${durationMs} ms`)
  if (!json && shown !== '') printLine(shown)
  if (kind !== 'delivered') process.exitCode = 1
}

/** The status, where there was an answer, and what else is known. */
const saidBy = (status: number, reason: string): string[] =>
  [...new Set([status === 0 ? 'no answer' : `status ${status}`, reason])].filter((words) => words !== '')

async function list(access: LogAccess): Promise<Record<string, unknown>[]> {
  const { database, log, configuration } = access
  const [endpoints, states, parkedKeys] = await Promise.all([
    listEndpoints(access).then((known) => endpointTargets(access, known)),
    readEndpointStates(database),
    countParked(database),
  ])
  return Promise.all(
    endpoints.map(async (endpoint) => {
      const { name, topic } = endpoint
      const { state, reason, since } = states.get(name) ?? { state: 'active', reason: '', since: undefined }
      const [ends, cursors] = await Promise.all([log.ends(topic), readCursors(database, name, topic)])
      const lag = lagOf(ends, cursors)
      const { retrying, blocked, waiting } = await countLanes(database, name)
      const decided = { state, since: since === undefined ? '' : new Date(since).toISOString(), reason }
      const problem = (await problemOf(endpoint, configuration)) || (await troubleOf(database, name))
      return { endpoint: name, ...decided, lag, retrying, blocked, waiting, parked: parkedKeys.get(name) ?? 0, problem }
    }),
  )
}

/** What keeps an endpoint from being sent to, as far as it can be told without sending. */
async function problemOf({ target, scope }: EndpointTarget, { delivery }: Configuration): Promise<string> {
  if ('problem' in target) return target.problem
  const reach = await lookAtReach(target.url, { scope, allow: delivery.allowAddresses }, { timeout: LOOKUP_TIMEOUT })
  if (reach === 'refused') return `${ADDRESS_REFUSED}; see tributary.delivery.allow-addresses`
  // A name may be known to the proxy alone.
  const isProxied = delivery.hosts[new URL(target.url).hostname]?.proxy !== undefined
  return reach === 'unresolved' && !isProxied ? 'its name has no address' : ''
}

/** What the receiver last said, when it was a no: an endpoint that is down looks like any other that is behind. */
async function troubleOf(database: Database, name: string): Promise<string> {
  const [latest] = await listDeliveries(database, { endpoints: [name], limit: 1, since: Date.now() - RECENT })
  if (!latest || latest.outcome === 'delivered') return ''
  return `its latest try: ${latest.outcome} (${printable(latest.reason)}), ${new Date(latest.time).toISOString()}`
}

async function decide(command: Command, decision: Omit<EndpointState, 'since'>): Promise<void> {
  const { name, state } = decision
  await withDatabase(command, async (database, configuration) => {
    await knownEndpoint(database, configuration, name)
    await database.transaction(async (connection) => {
      if (!(await setEndpointState(connection, decision)))
        throw new CommandError('ENDPOINT_STATE', `'${name}' is ${state} already.`)
      await recordChange(connection, command, name)
    })
  })
  printLine(`${name} is ${state}. Every dispatcher heeds that within seconds.`)
}
