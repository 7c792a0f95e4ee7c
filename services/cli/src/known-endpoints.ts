import type { Database } from '@tributary/database'
import { type KnownEndpoint, listEndpoints } from '@tributary/dispatcher'
import type { Configuration } from '@tributary/runtime'
import { CommandError } from './failure.ts'

/** The endpoint of this name. Throws CommandError ENDPOINT_UNKNOWN. */
export async function knownEndpoint(database: Database, configuration: Configuration, name: string): Promise<KnownEndpoint> {
  const found = (await listEndpoints({ database, configuration })).find((endpoint) => endpoint.name === name)
  if (found) return found
  throw new CommandError('ENDPOINT_UNKNOWN', `There is no endpoint '${name}'. See: tributary endpoint list`)
}
