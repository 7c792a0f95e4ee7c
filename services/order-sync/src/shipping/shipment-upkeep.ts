import { reasonOf, startWorkLoop, type WorkLoop } from '@tributary/runtime'
import { dropSettledShipments } from '@tributary/shipping'
import type { OrderSyncContext } from '../context.ts'

const LOOK_EVERY = 3_600_000
const DAY = 86_400_000

/** Keeps finished shipments as many days as the configuration says, and then forgets them with their idempotency keys. */
export function startShipmentUpkeep({ configuration, database, logger }: OrderSyncContext): WorkLoop {
  return startWorkLoop({
    idle: { shortest: LOOK_EVERY, longest: LOOK_EVERY },
    async turn() {
      const dropped = await dropSettledShipments(database, Date.now() - configuration.orderSync.shipmentDays * DAY)
      if (dropped > 0) logger.info({ dropped }, 'finished shipments were forgotten for their age')
      return false
    },
    failed(error) {
      logger.warn({ reason: reasonOf(error) }, 'old shipments could not be forgotten, which is tried again')
    },
  })
}
