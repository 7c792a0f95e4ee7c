import { Command, Help } from 'commander'
import { addApiKeyCommands } from './commands/api-key.ts'
import { addAppCommands } from './commands/app.ts'
import { addArchiveCommands } from './commands/archive.ts'
import { addConsentCommands } from './commands/consent.ts'
import { addDeliveryCommands } from './commands/deliveries.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addEndpointCommands } from './commands/endpoint.ts'
import { addEventCommands } from './commands/events.ts'
import { addImportCommand } from './commands/import.ts'
import { addLogCommands } from './commands/log.ts'
import { addMigrateCommand } from './commands/migrate.ts'
import { addOrderReadCommands } from './commands/order-read.ts'
import { addParkedCommands } from './commands/parked.ts'
import { addProjectionCommands } from './commands/projection.ts'
import { addRebuildCommand } from './commands/rebuild.ts'
import { addReplayCommand } from './commands/replay.ts'
import { addRowCommands } from './commands/row.ts'
import { addSandboxCommand } from './commands/sandbox.ts'
import { addSellerCommands } from './commands/seller.ts'
import { addServeCommand } from './commands/serve.ts'
import { addShipmentCommands } from './commands/shipment.ts'
import { addSpiCommands } from './commands/spi.ts'
import { addSpoolCommands } from './commands/spool.ts'
import { addVaultCommands } from './commands/vault.ts'
import { addWeworkCommands } from './commands/wework.ts'
import { noteCommand } from './unheard.ts'

const LEGEND = `
Exit codes: 0 done; 1 failed, or a check found something, as the help of the
command says; 2 rows differ (rebuild --verify-only), or deletions wait for a word
(wework reconcile); 64 the call was not understood; 130 ended by Ctrl-C, 143 by
SIGTERM; 141 nobody read on, as in a pipe to head. Times are shown in UTC.
Database and master key come from the environment: docs/configuration.md. What to
do in trouble: docs/operations.md.
`

const plainHelp = new Help()

/** The whole command line. */
export function buildProgram(): Command {
  const program = new Command('tributary')
    .description('The gateway between online marketplaces, WeCom and your own systems.')
    .option('--config <file>', 'configuration file; default: TRIBUTARY_CONFIG')
    .exitOverride()
    .addHelpText('after', LEGEND)
    .configureHelp({
      // Commander says what cannot be left out only once it was.
      optionDescription: (option) => `${plainHelp.optionDescription(option)}${option.mandatory ? ' (required)' : ''}`,
    })
    .showHelpAfterError('(add --help for what there is)')
    .hook('preAction', (_program, command) => noteCommand(command))
  addServeCommand(program)
  addMigrateCommand(program)
  addAppCommands(program)
  addApiKeyCommands(program)
  addSpiCommands(program)
  addSellerCommands(program)
  addConsentCommands(program)
  addOrderReadCommands(program)
  addShipmentCommands(program)
  addParkedCommands(program)
  addSpoolCommands(program)
  addEndpointCommands(program)
  addDeliveryCommands(program)
  addReplayCommand(program)
  addEventCommands(program)
  addRowCommands(program)
  addProjectionCommands(program)
  addRebuildCommand(program)
  addArchiveCommands(program)
  addImportCommand(program)
  addLogCommands(program)
  addVaultCommands(program)
  addWeworkCommands(program)
  addDoctorCommand(program)
  addSandboxCommand(program)
  return program
}
