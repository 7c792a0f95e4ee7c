import { addApp, listApps, setAppSecret } from '@tributary/database'
import type { Command } from 'commander'
import { parseChannel, parseCount } from '../arguments.ts'
import { openChannels } from '../channels.ts'
import { CommandError } from '../failure.ts'
import { printLine, printRows } from '../output.ts'
import { readSecret } from '../secret-input.ts'
import { withDatabase } from '../setting-up.ts'

/** `tributary app add|set-secret|list`: our registrations at the channels (`eg_order_app`). */
export function addAppCommands(program: Command): void {
  const app = program.command('app').description('our registrations at the channels (eg_order_app)')
  app
    .command('add')
    .description('register an app of ours; prints its id')
    .requiredOption('--channel <channel>', '1 or ebay, 2 or tiktok, 3 or amazon, 4 or lazada', parseChannel)
    .requiredOption('--name <name>', 'what operators call it')
    .requiredOption(
      '--client-id <id>',
      'client id (eBay: App ID; TikTok Shop, Lazada: app key; Amazon: that of Login with Amazon)',
    )
    .requiredOption('--client-secret-file <file>', 'file with the client secret (eBay: Cert ID), or - for standard input')
    .option('--developer-id <id>', 'eBay: Dev ID; TikTok Shop: service id; Amazon: application id')
    .requiredOption('--scopes <scopes>', 'scopes joined by +')
    .requiredOption('--redirect-uri <uri>', 'redirect URI (eBay: the RuName; TikTok Shop: an empty text)')
    .action(async (options, command: Command) => {
      const clientSecret = await readSecret(options.clientSecretFile)
      const id = await withDatabase(command, (database) =>
        addApp(database, {
          channel: options.channel,
          name: options.name,
          clientId: options.clientId,
          clientSecret,
          developerId: options.developerId ?? '',
          scopes: options.scopes.split('+'),
          redirectUri: options.redirectUri,
          attachInfo: {},
        }),
      )
      printLine(
        `App ${id} added. A seller authorizes it at https://<gateway>/open/order/oauth/authorize/${options.channel}?app=${id}`,
      )
      printLine('With &spi=<code> behind that, the receiver of this code gets the orders.')
    })
  app
    .command('set-secret')
    .description('give an app another client secret, as some marketplaces ask for now and then')
    .argument('<app>', 'id of the app', parseCount)
    .requiredOption('--client-secret-file <file>', 'file with the client secret, or - for standard input')
    .action(async (id: number, options, command: Command) => {
      const clientSecret = await readSecret(options.clientSecretFile)
      if (!(await withDatabase(command, (database) => setAppSecret(database, id, clientSecret))))
        throw new CommandError('APP_UNKNOWN', `There is no app ${id}. See: tributary app list`)
      printLine(`App ${id} has another secret. Processes that run use it within seconds.`)
    })
  app
    .command('list')
    .description('every app, without its secret')
    .option('--json', 'one JSON object a line')
    .action(async (options, command: Command) => {
      const apps = await withDatabase(command, async (database, configuration) => {
        const channels = openChannels(configuration, database)
        const rows = await listApps(database)
        return rows.map((row) => ({ ...row, secretLife: channels.get(row.channel)?.secretLife }))
      })
      printRows(
        apps.map(({ id, channel, name, clientId, redirectUri, changedTime, secretLife }) => ({
          ...{ id, channel, name, clientId, redirectUri },
          secretEnds: secretEnds(secretLife === undefined ? undefined : changedTime + secretLife, options),
        })),
        options,
      )
    })
}

/** A machine gets the moment; null where no marketplace ends the secret. */
function secretEnds(time: number | undefined, { json }: { json?: boolean }): string | null {
  if (json) return time === undefined ? null : new Date(time).toISOString()
  if (time === undefined) return ''
  const days = Math.floor((time - Date.now()) / 86_400_000)
  return days < 0 ? 'ended; tributary app set-secret' : `in ${days} days`
}
