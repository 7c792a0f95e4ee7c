import { startConsumer } from '@tributary/consumer'
import type { HealthReport, Service } from '@tributary/runtime'
import { createAccessTokens } from './access-tokens.ts'
import type { OrderSyncContext } from './context.ts'
import { judgeOrderSync } from './health.ts'
import { hintsConsumer } from './hints.ts'
import { observeOrderSync } from './measure.ts'
import { startOrderReader } from './order-reader.ts'
import { createOrderReceiver } from './order-receiver.ts'
import { PACE, type Pace } from './pace.ts'
import { startPoller } from './poller.ts'
import { createSellerAccess } from './seller-access.ts'
import { startShipmentUpkeep } from './shipping/shipment-upkeep.ts'
import { shipmentsConsumer } from './shipping/shipments-consumer.ts'
import { startShipper } from './shipping/shipper.ts'

const NAME = 'order-sync'

/**
 * Reads orders, because a notification named them or because polling found them, and appends `OrderReceived` when one has
 * changed; tells marketplaces of packages, and appends what they said. Any number of processes share the work. `pace` is for tests.
 */
export function createOrderSync(context: OrderSyncContext, pace: Pace = PACE): Service {
  let running: ReturnType<typeof startParts> | undefined
  return {
    name: NAME,
    async start() {
      running ??= startParts(context, pace)
    },
    async health() {
      return running ? await running.health() : { name: NAME, status: 'down', reason: 'It has not been started.' }
    },
    async stop() {
      await running?.stop()
    },
  }
}

function startParts(given: OrderSyncContext, pace: Pace) {
  const context = { ...given, logger: given.logger.child({ service: NAME }) }
  const { database, log, logger } = context
  const interval = context.configuration.orderSync.pollIntervalSeconds * 1000
  const receiver = createOrderReceiver(context)
  const openSeller = createSellerAccess(context, createAccessTokens(context, pace))
  const reader = startOrderReader({ context, pace, receiver, openSeller })
  const poller = startPoller({ context, pace, receiver, openSeller })
  const wake = () => {
    reader.wake()
    poller.wake()
  }
  const shipper = startShipper({ context, pace, openSeller })
  const consumer = startConsumer({ definition: hintsConsumer(wake), database, log, logger })
  const shipments = startConsumer({
    definition: shipmentsConsumer(() => {
      shipper.wake()
      reader.wake()
    }),
    ...{ database, log, logger },
  })
  const upkeep = startShipmentUpkeep(context)
  const { reminderDays } = context.configuration.orderSync
  const forget = observeOrderSync(database, [...context.channels.keys()], reminderDays)

  async function health(): Promise<HealthReport> {
    const hints = await consumer.health()
    const figures = {
      consumer: hints,
      shipments: await shipments.health(),
      received: receiver.figures(),
      ...poller.figures(),
      interval,
      reminderDays,
      channels: context.channels,
      now: Date.now(),
    }
    try {
      return await judgeOrderSync(database, figures)
    } catch {
      // Without the database the consumer says all there is to say.
      return { ...hints, name: NAME }
    }
  }

  return {
    health,
    async stop() {
      forget()
      await Promise.all([consumer.stop(), shipments.stop(), reader.stop(), poller.stop(), shipper.stop(), upkeep.stop()])
    },
  }
}
