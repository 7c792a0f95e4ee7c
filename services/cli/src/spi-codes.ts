import { type Database, listSpiServices } from '@tributary/database'
import { ORDER_SYNC } from '@tributary/dispatcher'
import { CommandError } from './failure.ts'

/** Throws CommandError SPI_UNKNOWN when a code is of no SPI service, DatabaseError. */
export async function checkSpiCodes(database: Database, codes: readonly string[]): Promise<void> {
  const known = new Set((await listSpiServices(database, ORDER_SYNC)).map(({ serverCode }) => serverCode))
  const unknown = codes.filter((code) => !known.has(code))
  if (unknown.length === 0) return
  throw new CommandError('SPI_UNKNOWN', `No such SPI service: ${unknown.join(', ')}. See: tributary spi list`)
}
