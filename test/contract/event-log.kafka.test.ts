import { describeOnKafka, migratedTestDatabase, testKafkaUrl } from '@tributary/test/servers'
import { describeEventLog } from './event-log.ts'

describeOnKafka('On Apache Kafka', () =>
  describeEventLog('Kafka', async () => {
    const [url, { url: databaseUrl, drop }] = await Promise.all([testKafkaUrl(), migratedTestDatabase('kafka_log')])
    return { url, databaseUrl, dense: false, drop }
  }),
)
