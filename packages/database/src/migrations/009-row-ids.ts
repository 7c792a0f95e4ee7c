import type { Migration } from '../migration.ts'

const WORKERS = Array.from({ length: 32 }, (_, worker) => worker)

/** A row for each of the 32 workers that a row id can name. */
export const migration: Migration = {
  name: '009-row-ids',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_row_id_worker (
      worker TINYINT UNSIGNED NOT NULL PRIMARY KEY,
      holder VARCHAR(100) CHARACTER SET ascii NOT NULL DEFAULT '' COMMENT 'the process that leased it',
      lease_end BIGINT NOT NULL DEFAULT 0 COMMENT 'milliseconds since 1970, by the clock of the database'
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COMMENT = 'Who may make row ids under which worker number'`,
    `INSERT IGNORE INTO tributary_row_id_worker (worker) VALUES ${WORKERS.map((worker) => `(${worker})`).join(', ')}`,
  ],
}
