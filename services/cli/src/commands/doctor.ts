import { listApps, listSpiServices, migrationStatus, openDatabase, type SpiServiceRow } from '@tributary/database'
import { listEndpointKeys, signsAt } from '@tributary/delivery'
import { createLocator, endpointName, ORDER_SYNC } from '@tributary/dispatcher'
import { type Configuration, describeConfiguration } from '@tributary/runtime'
import type { Command } from 'commander'
import { printLine } from '../output.ts'
import { configurationFor } from '../setting-up.ts'

const EBAY = 1
const ENOUGH_PACKET = 16 * 1024 * 1024

type Finding = { ok: boolean; what: string; detail: string }
type Check = (configuration: Configuration) => Promise<Finding[]>

/** `tributary doctor`: looks at everything a start needs and says what to do about what is missing. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('check configuration, database, schema, apps and receivers; exit code 1 when something is missing')
    .option('--show-configuration', 'print the configuration as understood, secrets hidden')
    .action(async (options, command: Command) => {
      const configuration = await configurationFor(command)
      if (options.showConfiguration) printLine(JSON.stringify(describeConfiguration(configuration), null, 2))
      const findings = [{ ok: true, what: 'configuration', detail: 'understood' }, ...(await examine(configuration))]
      for (const { ok, what, detail } of findings) printLine(`${ok ? 'ok  ' : 'FIX '} ${what}: ${detail}`)
      if (findings.some(({ ok }) => !ok)) process.exitCode = 1
    })
}

async function examine(configuration: Configuration): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const check of [checkDatabase, checkEbay]) {
    try {
      findings.push(...(await check(configuration)))
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error)
      findings.push({ ok: false, what: check === checkDatabase ? 'database' : 'channel eBay', detail })
    }
  }
  return findings
}

const checkDatabase: Check = async (configuration) => {
  const database = openDatabase(configuration.databaseUrl)
  try {
    const [server] = await database.query<{ version: string; packet: number }[]>(
      'SELECT VERSION() AS version, @@max_allowed_packet AS packet',
    )
    const missing = (await migrationStatus(database)).filter(({ state }) => state !== 'landed')
    const findings: Finding[] = [
      { ok: true, what: 'database', detail: `answers, version ${server?.version}` },
      packetFinding(server?.packet ?? 0),
      missing.length === 0
        ? { ok: true, what: 'schema', detail: 'up to date' }
        : {
            ok: false,
            what: 'schema',
            detail: `${missing.map(({ name, state }) => `${name} ${state}`).join(', ')}; run: npm run tributary -- migrate`,
          },
    ]
    if (missing.length > 0) return findings
    const apps = await listApps(database)
    const services = await listSpiServices(database, ORDER_SYNC)
    const locator = createLocator(configuration)
    await locator.look(services.map(({ serverName }) => serverName))
    const keys = (await listEndpointKeys(database)).filter((key) => signsAt(key, Date.now()))
    const hasKey = ({ serverCode, createTime: since }: SpiServiceRow) => {
      const name = endpointName(configuration.consumerGroups.orderSpi, serverCode)
      return keys.some(({ endpoint, createTime }) => endpoint === name && createTime >= since)
    }
    findings.push(
      apps.length > 0
        ? { ok: true, what: 'apps', detail: apps.map(({ id, name }) => `${id} ${name}`).join(', ') }
        : { ok: false, what: 'apps', detail: 'none; add one: npm run tributary -- app add --help' },
      ...services.map((row): Finding => {
        const { serverCode, serverName, secret } = row
        const what = `SPI service ${serverCode}`
        if (secret === '' && !hasKey(row))
          return { ok: false, what, detail: 'has no key and no secret in eg_spi.secret, so its calls cannot be signed' }
        const located = locator.find(serverName)
        if ('problem' in located) return { ok: false, what, detail: located.problem }
        if (located.leftOut !== undefined) return { ok: false, what, detail: located.leftOut }
        return { ok: true, what, detail: located.instances.map(({ url }) => url).join(', ') }
      }),
    )
    return findings
  } finally {
    await database.close()
  }
}

function packetFinding(packet: number): Finding {
  const what = 'max_allowed_packet'
  return packet >= ENOUGH_PACKET
    ? { ok: true, what, detail: `${Math.round(packet / 1024 / 1024)} MB` }
    : {
        ok: false,
        what,
        detail: `${packet} bytes; an order of 5 MB needs 16 MB: SET GLOBAL max_allowed_packet = ${ENOUGH_PACKET}`,
      }
}

const checkEbay: Check = async ({ ebay }) => {
  if (!ebay) return [{ ok: true, what: 'channel eBay', detail: 'not configured' }]
  const what = `channel eBay (${EBAY})`
  const findings: Finding[] = []
  if (!ebay.challengeVerificationToken || !ebay.notificationEndpoint) {
    const detail = 'webhooks cannot be registered without qifu.eg.ebay.challenge-verification-token and notification-endpoint'
    findings.push({ ok: false, what, detail })
  } else findings.push({ ok: true, what, detail: `webhooks at ${ebay.notificationEndpoint}` })
  return findings
}
