import type { Database } from '@tributary/database'
import { dropOldRoutings, earlierOfClocks, keepAttemptPartitions } from '@tributary/delivery'
import { type Configuration, type Logger, reasonOf, startWorkLoop, type WorkLoop } from '@tributary/runtime'

/** Milliseconds between two looks; days are made well before they begin, so that looks may fail. */
const LOOK_EVERY = 3_600_000
const DAY = 86_400_000

/** Keeps the record of attempts in days, as many as the configuration says, from now on. */
export function startAttemptUpkeep({
  configuration,
  database,
  logger,
}: {
  configuration: Pick<Configuration, 'delivery'>
  database: Database
  logger: Logger
}): WorkLoop {
  return startWorkLoop({
    idle: { shortest: LOOK_EVERY, longest: LOOK_EVERY },
    async turn() {
      const days = configuration.delivery.attemptsDays
      const { made, dropped } = await keepAttemptPartitions(database, { days })
      if (made.length + dropped.length > 0) logger.info({ made, dropped }, 'days of attempts made and dropped')
      // Without the attempts nobody can ask any more for whom the events of those days were.
      await dropOldRoutings(database, (await earlierOfClocks(database)) - days * DAY)
      return false
    },
    failed(error) {
      logger.warn({ reason: reasonOf(error) }, 'days of attempts could not be made or dropped, which is tried again')
    },
  })
}
