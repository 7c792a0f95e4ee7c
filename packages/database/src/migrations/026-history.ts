import type { Migration } from '../migration.ts'

/** What makes a log of millions of events answer a question about one key, who opened personal data, how far imports are. */
export const migration: Migration = {
  name: '026-history',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_event_index (
      key_hash BINARY(8) NOT NULL COMMENT 'of topic, kind and key; a hit is only a hint, the event itself decides',
      partition_no INT NOT NULL,
      position BIGINT NOT NULL,
      PRIMARY KEY (key_hash, partition_no, position)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Where the events of a key stand in the log; made again from the log at any time'`,
    `CREATE TABLE IF NOT EXISTS tributary_audit (
      id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
      audit_time BIGINT NOT NULL COMMENT 'milliseconds since 1970',
      actor VARCHAR(200) NOT NULL COMMENT 'who: an account of the machine, or of a login',
      action VARCHAR(64) NOT NULL,
      target VARCHAR(500) NOT NULL COMMENT 'what, never its content',
      KEY by_time (audit_time)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Who opened personal data, and when'`,
    `CREATE TABLE IF NOT EXISTS tributary_import (
      source CHAR(64) CHARACTER SET ascii NOT NULL COMMENT 'SHA-256 of host, port and database of the source',
      kind VARCHAR(32) NOT NULL,
      last_id BIGINT NOT NULL COMMENT 'rows up to this id are in the log',
      update_time BIGINT NOT NULL,
      PRIMARY KEY (source, kind)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'How far each import of an existing system has come'`,
  ],
}
