import type { Migration } from '../migration.ts'

/** What makes an append to Kafka happen once for each event id, which Kafka itself does only within a producer's session. */
export const migration: Migration = {
  name: '010-kafka',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_log_event_id (
      topic_id INT UNSIGNED NOT NULL,
      event_id BINARY(16) NOT NULL COMMENT 'UUID',
      partition_no INT NOT NULL,
      position BIGINT NULL COMMENT 'NULL while it is being appended',
      claim BINARY(8) NOT NULL COMMENT 'of the append that sends it',
      owner VARCHAR(100) NOT NULL COMMENT 'process of the append',
      claimed_time BIGINT NOT NULL COMMENT 'milliseconds since 1970',
      doubtful TINYINT NOT NULL DEFAULT 0 COMMENT '1: the append failed; the log itself must say whether it has the event',
      PRIMARY KEY (topic_id, event_id)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Event ids that a log outside this database holds'`,
  ],
}
