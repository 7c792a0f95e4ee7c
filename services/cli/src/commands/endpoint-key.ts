import { clearSpiSecret } from '@tributary/database'
import { type EndpointKey, keysOf, MOST_KEYS, moveSecret, newSecret, revokeKey, rotateKey, signsAt } from '@tributary/delivery'
import type { KnownEndpoint } from '@tributary/dispatcher'
import { type Command, Option } from 'commander'
import { parseDuration } from '../arguments.ts'
import { CommandError, UsageError } from '../failure.ts'
import { knownEndpoint } from '../known-endpoints.ts'
import { printLine, printRows } from '../output.ts'
import { keptSecret } from '../secret-input.ts'
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
    .option(
      '--secret-file <file>',
      'of v1: make this file with the secret first, for your eyes only, in place of showing it; after an error run it again',
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

type RotateOptions = { overlap: number; kind: 'v1' | 'v1a'; secretFile?: string; json?: true }

async function rotate(command: Command, name: string, options: RotateOptions): Promise<void> {
  const { overlap, kind, secretFile, json } = options
  if (secretFile !== undefined && kind === 'v1a')
    throw new UsageError(
      'SECRET_FILE',
      'A key of v1a has no secret to hand over: endpoint keys shows its public key at any time.',
    )
  const { made, isUnsigned: unsigned } = await withVault(command, async ({ database, vault, configuration }) => {
    const known = await knownEndpoint(database, configuration, name)
    // On the disk before anything signs with it: whatever breaks from here on, it is not lost.
    const given = secretFile === undefined ? {} : { secret: await keptSecret(secretFile, () => newSecret(kind)) }
    return {
      made: await rotateKey({ database, vault }, known.owner, { kind, overlap, ...given }),
      isUnsigned: isUnsigned(known),
    }
  })
  if (made === 'too many')
    throw new CommandError('ENDPOINT_KEYS_TOO_MANY', `${MOST_KEYS} keys of '${name}' are valid. Revoke some first.`)
  if (made === 'ended')
    throw new CommandError(
      'ENDPOINT_SECRET_ENDED',
      `The secret in ${secretFile} was of a key that has ended. Name another file.`,
    )
  if ('problem' in made)
    throw new CommandError('ENDPOINT_SECRET_UNUSABLE', `The secret in ${secretFile} cannot be used. ${made.problem}`)
  const { id, handOver, existing } = made
  const oldKeysUntil = new Date(made.oldKeysUntil).toISOString()
  const handed = kind === 'v1a' ? { publicKey: handOver } : secretFile === undefined ? { secret: handOver } : { secretFile }
  if (json) return printLine(JSON.stringify({ endpoint: name, id, kind, ...handed, oldKeysUntil, existing }))
  printLine(
    `Key ${id} of ${name} ${existing ? 'signs already, and nothing was changed' : 'signs from now on'}. ${handOverText(handed)}`,
  )
  printLine(`Every key before it signs as well until ${oldKeysUntil}: the receiver must know the new one by then.`)
  if (unsigned) printLine('The mode of this webhook is compat: nothing is signed until the configuration changes that.')
}

function handOverText(handed: { publicKey: string } | { secret: string } | { secretFile: string }): string {
  if ('publicKey' in handed) return `Its public key: ${handed.publicKey}`
  return 'secret' in handed ? `Its secret, shown this once: ${handed.secret}` : `Its secret stands in ${handed.secretFile}`
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
