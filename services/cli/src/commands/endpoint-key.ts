import { clearSpiSecret } from '@tributary/database'
import { type EndpointKey, keysOf, MOST_KEYS, moveSecret, revokeKey, rotateKey, signsAt } from '@tributary/delivery'
import type { KnownEndpoint } from '@tributary/dispatcher'
import { type Command, Option } from 'commander'
import { parseDuration } from '../arguments.ts'
import { CommandError } from '../failure.ts'
import { knownEndpoint } from '../known-endpoints.ts'
import { printLine, printRows } from '../output.ts'
import { withDatabase, withVault } from '../setting-up.ts'

const NAMED = ['<endpoint>', 'as `endpoint list` shows it'] as const

/** `tributary endpoint keys|rotate-secret|revoke-key|move-secret`: what signs the requests to an endpoint. */
export function addEndpointKeyCommands(endpoint: Command): void {
  endpoint
    .command('keys')
    .description('the keys of ours that sign for an endpoint, or did, without their secrets')
    .argument(...NAMED)
    .option('--json', 'one JSON object a line')
    .action(async (name: string, options, command: Command) => {
      const keys = await withDatabase(command, async (database, configuration) =>
        keysOf(database, (await knownEndpoint(database, configuration, name)).owner),
      )
      const now = Date.now()
      printRows(
        keys.map((key) => shown(key, now)),
        options,
      )
    })
  endpoint
    .command('rotate-secret')
    .description('make a new key, which signs at once; those before it sign as well, until their receiver has changed')
    .argument(...NAMED)
    .addOption(
      new Option('--overlap <duration>', 'how long the keys before it sign as well, at most 7d')
        .argParser(parseDuration)
        .default(parseDuration('24h'), '24h'),
    )
    .addOption(
      new Option('--kind <kind>', 'v1 (a shared secret) or v1a (Ed25519: the receiver gets a public key)')
        .choices(['v1', 'v1a'])
        .default('v1'),
    )
    .option('--json', 'one JSON object')
    .action((name: string, options, command: Command) => rotate(command, name, options))
  endpoint
    .command('revoke-key')
    .description('end a key at once, and forget its secret')
    .argument(...NAMED)
    .argument('<id>', 'as `endpoint keys` shows it')
    .action((name: string, id: string, _options, command: Command) => revoke(command, name, id))
  endpoint
    .command('move-secret')
    .description('seal the secret that stands in eg_spi or the configuration as a key of ours, and empty eg_spi.secret')
    .argument(...NAMED)
    .action((name: string, _options, command: Command) => move(command, name))
}

function shown(key: EndpointKey, now: number): Record<string, unknown> {
  const { id, kind, createTime, validFrom, expireTime, publicKey } = key
  const time = (at: number | undefined) => (at === undefined || at === 0 ? '' : new Date(at).toISOString())
  return {
    id,
    kind,
    state: signsAt(key, now) ? 'valid' : 'ended',
    created: time(createTime),
    validFrom: time(validFrom),
    expires: time(expireTime),
    publicKey: publicKey ?? '',
  }
}

/** Whether its mode leaves its requests unsigned, whatever keys there are. */
const isUnsigned = ({ source }: KnownEndpoint): boolean => source.kind === 'webhook' && source.named.webhook.mode === 'compat'

async function rotate(
  command: Command,
  name: string,
  { overlap, kind, json }: { overlap: number; kind: 'v1' | 'v1a'; json?: true },
): Promise<void> {
  const { made, isUnsigned: unsigned } = await withVault(command, async ({ database, vault, configuration }) => {
    const known = await knownEndpoint(database, configuration, name)
    return { made: await rotateKey({ database, vault }, known.owner, { kind, overlap }), isUnsigned: isUnsigned(known) }
  })
  if (made === 'too many')
    throw new CommandError('ENDPOINT_KEYS_TOO_MANY', `${MOST_KEYS} keys of '${name}' are valid. Revoke some first.`)
  const { id, handOver } = made
  const oldKeysUntil = new Date(made.oldKeysUntil).toISOString()
  const named = kind === 'v1' ? { secret: handOver } : { publicKey: handOver }
  if (json) return printLine(JSON.stringify({ endpoint: name, id, kind, ...named, oldKeysUntil }))
  printLine(
    `Key ${id} of ${name} signs from now on. ${kind === 'v1' ? 'Its secret, shown this once' : 'Its public key'}: ${handOver}`,
  )
  printLine(`Every key before it signs as well until ${oldKeysUntil}: the receiver must know the new one by then.`)
  if (unsigned) printLine('The mode of this webhook is compat: nothing is signed until the configuration changes that.')
}

async function revoke(command: Command, name: string, id: string): Promise<void> {
  const isAnyLeft = await withDatabase(command, async (database, configuration) => {
    const known = await knownEndpoint(database, configuration, name)
    if (!(await revokeKey(database, name, id)))
      throw new CommandError('ENDPOINT_KEY_UNKNOWN', `'${name}' has no valid key '${id}'. See: tributary endpoint keys ${name}`)
    return (await keysOf(database, known.owner)).some((key) => signsAt(key, Date.now()))
  })
  printLine(`Key ${id} signs no more. Every dispatcher heeds that within seconds.`)
  if (!isAnyLeft)
    printLine(`It was the last one: nothing is sent until there is another. tributary endpoint rotate-secret ${name}`)
}

async function move(command: Command, name: string): Promise<void> {
  const { moved, where, row } = await withVault(command, async ({ database, vault, configuration }) => {
    const known = await knownEndpoint(database, configuration, name)
    const { source, where, owner } = known
    const row = source.kind === 'spi' ? source.row.id : undefined
    const moved = await moveSecret({ database, vault }, owner, async (connection) => {
      if (row === undefined || (await clearSpiSecret(connection, { id: row, secret: owner.given }))) return
      throw new CommandError('ENDPOINT_SECRET_CHANGED', `Somebody has just changed ${where}. Look at it, then try again.`)
    })
    return { moved, where, row }
  })
  if (moved !== 'unused' && 'problem' in moved)
    throw new CommandError('ENDPOINT_SECRET_UNUSABLE', `There is nothing to move. ${moved.problem} See ${where}.`)
  printLine(
    moved === 'unused'
      ? `The secret signed nothing any more: '${name}' has keys of ours.`
      : `The secret is key ${moved.id} of ${name} now, sealed; its receiver changes nothing.`,
  )
  printLine(row === undefined ? `Take it out of the configuration: ${where}` : `${where} is empty now.`)
}
