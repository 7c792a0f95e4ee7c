import type { Migration } from '../migration.ts'

/**
 * Lanes and what waits in them hold rows only while a key is in trouble; attempts only grow. An endpoint goes by the name
 * of its consumer in `tributary_cursor`. Names and keys compare byte for byte, as the log's do.
 */
export const migration: Migration = {
  name: '007-delivery',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_delivery_lane (
      endpoint VARCHAR(128) NOT NULL,
      topic VARCHAR(100) NOT NULL,
      partition_no INT NOT NULL,
      event_key VARCHAR(255) NOT NULL,
      head_position BIGINT NOT NULL,
      attempts INT NOT NULL COMMENT 'Tries of the head.',
      failures INT NOT NULL COMMENT 'Tries of the head that count against the schedule.',
      next_time BIGINT NOT NULL,
      state VARCHAR(16) NOT NULL COMMENT 'retrying or blocked',
      reason VARCHAR(100) NOT NULL,
      since BIGINT NOT NULL,
      PRIMARY KEY (endpoint, topic, partition_no, event_key),
      INDEX idx_endpoint_state (endpoint, state)
    ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    `CREATE TABLE IF NOT EXISTS tributary_delivery_waiting (
      endpoint VARCHAR(128) NOT NULL,
      topic VARCHAR(100) NOT NULL,
      partition_no INT NOT NULL,
      event_key VARCHAR(255) NOT NULL,
      position BIGINT NOT NULL,
      PRIMARY KEY (endpoint, topic, partition_no, event_key, position)
    ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    `CREATE TABLE IF NOT EXISTS tributary_delivery_attempt (
      endpoint VARCHAR(128) NOT NULL,
      topic VARCHAR(100) NOT NULL,
      partition_no INT NOT NULL,
      position BIGINT NOT NULL,
      attempt INT NOT NULL,
      time BIGINT NOT NULL,
      event_id CHAR(36) NOT NULL,
      outcome VARCHAR(16) NOT NULL,
      reason VARCHAR(100) NOT NULL,
      status INT NOT NULL,
      duration_ms INT NOT NULL,
      answer TEXT NOT NULL,
      key_id CHAR(8) NOT NULL,
      body_digest CHAR(64) NOT NULL,
      PRIMARY KEY (endpoint, topic, partition_no, position, attempt, time),
      INDEX idx_event (event_id),
      INDEX idx_time (time)
    ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  ],
}
