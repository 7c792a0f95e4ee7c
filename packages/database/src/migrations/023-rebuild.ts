import type { Migration } from '../migration.ts'

/** Rebuilds of projections, one row each. What the tables themselves say of their generation is in a table comment. */
export const migration: Migration = {
  name: '023-rebuild',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_rebuild (
      projection VARCHAR(32) NOT NULL,
      generation INT NOT NULL COMMENT 'that its tables will have',
      state VARCHAR(16) NOT NULL COMMENT 'planned, building, catching-up, verifying, fenced, done, aborted, rolling-back, rolled-back',
      requested VARCHAR(16) NOT NULL DEFAULT '' COMMENT 'pause or abort, for whoever runs it',
      runner VARCHAR(100) NOT NULL DEFAULT '' COMMENT 'host and process, for people',
      targets TEXT NOT NULL COMMENT 'JSON: by partition, the end of the log when it began',
      swap_positions TEXT NULL COMMENT 'JSON: by partition, where the old tables stand',
      differences BIGINT NULL COMMENT 'rows that differed before the swap',
      started_time BIGINT NOT NULL COMMENT 'milliseconds since 1970, as all times',
      updated_time BIGINT NOT NULL,
      finished_time BIGINT NULL,
      PRIMARY KEY (projection, generation)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Rebuilds of projections'`,
  ],
}
