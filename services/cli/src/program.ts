import { Command } from 'commander'
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

/** The whole command line. */
export function buildProgram(): Command {
  const program = new Command('tributary')
    .description('The gateway between online marketplaces, WeCom and your own systems.')
    .option('--config <file>', 'configuration file; default: TRIBUTARY_CONFIG')
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
  addServeCommand(program)
  addMigrateCommand(program)
  addAppCommands(program)
  addApiKeyCommands(program)
  addSpiCommands(program)
  addSellerCommands(program)
  addConsentCommands(program)
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
