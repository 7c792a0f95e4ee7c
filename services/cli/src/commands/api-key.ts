import { addApiKey, listApiKeys, revokeApiKey, SCOPES, type Scope } from '@tributary/console'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseList } from '../arguments.ts'
import { CommandError } from '../failure.ts'
import { printLine, printRows } from '../output.ts'
import { withDatabase } from '../setting-up.ts'

function parseScopes(text: string): Scope[] {
  const names = [...new Set(parseList(text))]
  const known = SCOPES.filter((scope) => names.includes(scope))
  if (names.length > 0 && known.length === names.length) return known
  throw new InvalidArgumentError(`Give one or more of: ${SCOPES.join(', ')}, separated by commas.`)
}

/** `tributary api-key add|list|revoke`: who may call the HTTP API. */
export function addApiKeyCommands(program: Command): void {
  const apiKey = program.command('api-key').description('keys of the callers of the HTTP API (docs/api.md)')
  apiKey
    .command('add')
    .description('make a key; it is shown once')
    .requiredOption('--name <name>', 'who will use it')
    .addOption(
      new Option('--scopes <scopes>', `what it may do, separated by commas: ${SCOPES.join(', ')}`)
        .argParser(parseScopes)
        .default(['read'], 'read'),
    )
    .action(async ({ name, scopes }: { name: string; scopes: Scope[] }, command: Command) => {
      const { id, key } = await withDatabase(command, (database) => addApiKey(database, { name, scopes }))
      printLine(`API key ${id} for '${name}', shown this once: ${key}`)
    })
  apiKey
    .command('list')
    .description('every key, without the key itself')
    .option('--json', 'one JSON object a line')
    .action(async (options, command: Command) => {
      const rows = await withDatabase(command, listApiKeys)
      printRows(
        rows.map(({ createTime, revokedTime, ...row }) => ({
          ...row,
          since: new Date(createTime).toISOString(),
          revoked: revokedTime === null ? '' : new Date(revokedTime).toISOString(),
        })),
        options,
      )
    })
  apiKey
    .command('revoke')
    .description('end a key at once')
    .argument('<id>', 'as the list shows it')
    .action(async (id: string, _options, command: Command) => {
      const ended = await withDatabase(command, (database) => revokeApiKey(database, id))
      if (!ended) throw new CommandError('API_KEY_UNKNOWN', `No living key has the id '${id}'. See: tributary api-key list`)
      printLine(`API key ${id} is revoked.`)
    })
}
