import { addApp, listApps } from '@tributary/database'
import type { Command } from 'commander'
import { parseChannel } from '../arguments.ts'
import { printLine, printRows } from '../output.ts'
import { readSecret } from '../secret-input.ts'
import { withDatabase } from '../setting-up.ts'

/** `tributary app add|list`: our registrations at the channels (`eg_order_app`). */
export function addAppCommands(program: Command): void {
  const app = program.command('app').description('our registrations at the channels (eg_order_app)')
  app
    .command('add')
    .description('register an app of ours; prints its id')
    .requiredOption('--channel <channel>', 'number or name of the channel', parseChannel)
    .requiredOption('--name <name>', 'what operators call it')
    .requiredOption('--client-id <id>', 'client id (eBay: App ID)')
    .requiredOption('--client-secret-file <file>', 'file with the client secret (eBay: Cert ID), or - for standard input')
    .option('--developer-id <id>', 'developer id (eBay: Dev ID)', '')
    .requiredOption('--scopes <scopes>', 'scopes joined by + ')
    .requiredOption('--redirect-uri <uri>', 'redirect URI (eBay: the RuName)')
    .action(async (options, command: Command) => {
      const clientSecret = await readSecret(options.clientSecretFile)
      const id = await withDatabase(command, (database) =>
        addApp(database, {
          channel: options.channel,
          name: options.name,
          clientId: options.clientId,
          clientSecret,
          developerId: options.developerId,
          scopes: options.scopes.split('+'),
          redirectUri: options.redirectUri,
          attachInfo: {},
        }),
      )
      printLine(`App ${id} added. A seller authorizes it at /open/order/oauth/authorize/${options.channel}?app=${id}`)
    })
  app
    .command('list')
    .description('every app, without its secret')
    .option('--json', 'one JSON object a line')
    .action(async (options, command: Command) => {
      const apps = await withDatabase(command, (database) => listApps(database))
      printRows(
        apps.map(({ id, channel, name, clientId, redirectUri }) => ({ id, channel, name, clientId, redirectUri })),
        options,
      )
    })
}
