import { addSpiService, listSpiServices } from '@tributary/database'
import { newSecret } from '@tributary/delivery'
import { createLocator, type Located } from '@tributary/dispatcher'
import type { Command } from 'commander'
import { printLine, printRows } from '../output.ts'
import { readSecret } from '../secret-input.ts'
import { withDatabase } from '../setting-up.ts'

const ORDER_SYNC = 1

/** `tributary spi add|list`: the services that receive orders (`eg_spi`). */
export function addSpiCommands(program: Command): void {
  const spi = program.command('spi').description('services that receive orders (eg_spi)')
  spi
    .command('add')
    .description('register a receiver; it gets what happens from now on')
    .requiredOption('--code <code>', 'server_code, unique')
    .requiredOption('--name <name>', 'server_name, by which its address is found: qifu.eg.spi in the configuration')
    .option('--description <text>', 'what it is')
    .option('--secret-file <file>', 'file with its signing secret, or - for standard input; made when left out')
    .action(async (options, command: Command) => {
      const secret = options.secretFile ? await readSecret(options.secretFile) : newSecret('v1')
      const known = await withDatabase(command, async (database, configuration) => {
        await addSpiService(database, {
          type: ORDER_SYNC,
          serverCode: options.code,
          serverName: options.name,
          description: options.description ?? '',
          secret,
        })
        return options.name in configuration.spiServices || configuration.spiDiscovery !== undefined
      })
      printLine(`SPI service '${options.code}' added.`)
      if (!options.secretFile) printLine(`Its signing secret, shown this once: ${secret}`)
      if (!known) printLine(`It gets nothing until the configuration names its address: qifu.eg.spi.services.${options.name}`)
    })
  spi
    .command('list')
    .description('every receiver, without its secret')
    .option('--json', 'one JSON object a line')
    .action(async (options, command: Command) => {
      const rows = await withDatabase(command, async (database, configuration) => {
        const services = await listSpiServices(database, ORDER_SYNC)
        const locator = createLocator(configuration)
        await locator.look(services.map(({ serverName }) => serverName))
        return services.map(({ id, serverCode, serverName, createTime }) => ({
          ...{ id, code: serverCode, name: serverName, address: addressOf(locator.find(serverName)) },
          since: new Date(createTime).toISOString(),
        }))
      })
      printRows(rows, options)
    })
}

const addressOf = (located: Located): string =>
  'problem' in located ? '(not found)' : located.instances.map(({ url }) => url).join(' ')
