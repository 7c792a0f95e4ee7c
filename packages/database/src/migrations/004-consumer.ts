import type { Migration } from '../migration.ts'

/**
 * How far each consumer has come, and what it set aside. `epoch` is the fence: it grows with every owner, and a
 * transaction of an older owner finds no row with its own. Names and keys compare byte by byte.
 */
export const migration: Migration = {
  name: '004-consumer',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_cursor (
      consumer VARCHAR(128) NOT NULL,
      topic VARCHAR(100) NOT NULL,
      partition_no INT NOT NULL,
      next_position BIGINT NOT NULL COMMENT 'the position read next; everything before it has had its effects',
      epoch BIGINT NOT NULL COMMENT 'grows with every owner',
      owner VARCHAR(100) NOT NULL COMMENT 'host and process, for people',
      updated_time BIGINT NOT NULL,
      PRIMARY KEY (consumer, topic, partition_no)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'How far each consumer has come'`,
    `CREATE TABLE IF NOT EXISTS tributary_parked_key (
      consumer VARCHAR(128) NOT NULL,
      topic VARCHAR(100) NOT NULL,
      partition_no INT NOT NULL,
      event_key VARCHAR(255) NOT NULL,
      state VARCHAR(16) NOT NULL COMMENT 'parked, or requeued: its owner applies it in order',
      position BIGINT NOT NULL COMMENT 'of the event that could not be applied',
      attempts INT NOT NULL,
      error_code VARCHAR(64) NOT NULL,
      error VARCHAR(500) NOT NULL COMMENT 'without personal data',
      parked_time BIGINT NOT NULL,
      requeued_time BIGINT NULL,
      PRIMARY KEY (consumer, topic, partition_no, event_key)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Keys with an event that could not be applied'`,
    `CREATE TABLE IF NOT EXISTS tributary_parked_event (
      consumer VARCHAR(128) NOT NULL,
      topic VARCHAR(100) NOT NULL,
      partition_no INT NOT NULL,
      event_key VARCHAR(255) NOT NULL,
      position BIGINT NOT NULL,
      skipped_time BIGINT NULL COMMENT 'when an operator dropped it; such a row stays, as the record of it',
      PRIMARY KEY (consumer, topic, partition_no, event_key, position)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Events of parked keys, waiting in order'`,
  ],
}
