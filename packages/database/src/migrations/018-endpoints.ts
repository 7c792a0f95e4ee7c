import type { Migration } from '../migration.ts'

/**
 * What people, and receivers by a 410, decide about endpoints; deliveries that were given up; replays under way. An
 * endpoint goes by the name of its consumer in `tributary_cursor`, and one without a row here is active.
 */
export const migration: Migration = {
  name: '018-endpoints',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_endpoint (
      name VARCHAR(128) NOT NULL,
      state VARCHAR(16) NOT NULL COMMENT 'active, paused or disabled',
      reason VARCHAR(200) NOT NULL,
      since BIGINT NOT NULL,
      PRIMARY KEY (name)
    ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    `CREATE TABLE IF NOT EXISTS tributary_dead_letter (
      endpoint VARCHAR(128) NOT NULL,
      topic VARCHAR(100) NOT NULL,
      partition_no INT NOT NULL,
      position BIGINT NOT NULL,
      event_key VARCHAR(255) NOT NULL,
      attempts INT NOT NULL,
      reason VARCHAR(100) NOT NULL COMMENT 'of the last attempt, or superseded',
      time BIGINT NOT NULL,
      PRIMARY KEY (endpoint, topic, partition_no, position),
      INDEX idx_time (endpoint, time)
    ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    `CREATE TABLE IF NOT EXISTS tributary_replay (
      endpoint VARCHAR(128) NOT NULL,
      topic VARCHAR(100) NOT NULL,
      partition_no INT NOT NULL,
      from_position BIGINT NOT NULL,
      to_position BIGINT NOT NULL COMMENT 'events from here on, up to live_position, were delivered before and are passed over',
      live_position BIGINT NOT NULL COMMENT 'where the cursor stood; from here on everything is delivered as ever',
      event_key VARCHAR(255) NULL COMMENT 'only this key is replayed',
      started_time BIGINT NOT NULL,
      started_by VARCHAR(100) NOT NULL,
      PRIMARY KEY (endpoint, topic, partition_no)
    ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  ],
}
