import type { Migration } from '../migration.ts'

/**
 * The log of the MySQL driver (packages/event-log/src/mysql). Names and keys compare byte by byte. The member and lease
 * tables only share work out; what keeps two readers apart is the epoch of the consumer's cursor.
 */
export const migration: Migration = {
  name: '003-event-log',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_log_topic (
      id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
      name VARCHAR(100) NOT NULL,
      partitions INT NOT NULL COMMENT 'fixed when the topic is made',
      UNIQUE KEY uk_name (name)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Topics of the log'`,
    `CREATE TABLE IF NOT EXISTS tributary_log_partition (
      topic_id INT UNSIGNED NOT NULL,
      partition_no INT NOT NULL,
      next_position BIGINT NOT NULL DEFAULT 0 COMMENT 'of the next event; its row lock is held to the commit of an append',
      PRIMARY KEY (topic_id, partition_no)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Where each partition ends'`,
    `CREATE TABLE IF NOT EXISTS tributary_log_event (
      topic_id INT UNSIGNED NOT NULL,
      partition_no INT NOT NULL,
      position BIGINT NOT NULL COMMENT 'from 0, without gaps',
      event_id BINARY(16) NOT NULL COMMENT 'UUID',
      event_type VARCHAR(64) NOT NULL,
      partition_key VARCHAR(255) NOT NULL,
      event_time BIGINT NOT NULL COMMENT 'when it happened',
      data_version INT NOT NULL,
      source VARCHAR(255) NOT NULL,
      subject VARCHAR(512) NOT NULL,
      traceparent VARCHAR(64) NULL,
      recorded_time BIGINT NOT NULL COMMENT 'when the log took it',
      data_bytes INT NOT NULL COMMENT 'so that a reader can stop before what is too large',
      data MEDIUMTEXT NOT NULL COMMENT 'JSON',
      PRIMARY KEY (topic_id, partition_no, position),
      UNIQUE KEY uk_event_id (topic_id, event_id)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Every event; rows are never changed'`,
    `CREATE TABLE IF NOT EXISTS tributary_log_member (
      topic_id INT UNSIGNED NOT NULL,
      group_name VARCHAR(64) NOT NULL,
      member_id VARCHAR(100) NOT NULL COMMENT 'host, process and a random end',
      expires_time BIGINT NOT NULL COMMENT 'by the clock of the database',
      PRIMARY KEY (topic_id, group_name, member_id)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Followers that are alive'`,
    `CREATE TABLE IF NOT EXISTS tributary_log_lease (
      topic_id INT UNSIGNED NOT NULL,
      group_name VARCHAR(64) NOT NULL,
      partition_no INT NOT NULL,
      member_id VARCHAR(100) NOT NULL DEFAULT '' COMMENT 'its reader, empty when it has none',
      available_time BIGINT NOT NULL DEFAULT 0 COMMENT 'given back after a failure: not to be taken before',
      PRIMARY KEY (topic_id, group_name, partition_no)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Which follower reads which partition'`,
  ],
}
