/** A member of a group as a process of its own, for tests that kill it: `node consumer-member.ts <url> <name> <partitions>`. */
import { startConsumer } from '@tributary/consumer'
import { effectsConsumer, quietLogger } from '@tributary/consumer/testing'
import { openDatabase } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'

const [url = '', name = '', partitions = '1'] = process.argv.slice(2)
const database = openDatabase(url, { connections: 6 })
const log = await openEventLog({ url, database, partitions: Number(partitions), lease: 1_500 })
const consumer = startConsumer({
  definition: effectsConsumer({ member: name, batchSize: 20 }),
  database,
  log,
  logger: quietLogger,
})
process.once('SIGTERM', async () => {
  await consumer.stop()
  await log.close()
  await database.close()
})
