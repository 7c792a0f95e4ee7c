import type { Migration } from '../migration.ts'

/** What others tell us in confidence and we must be able to say again: tickets, codes, tokens. */
export const migration: Migration = {
  name: '013-settings',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_setting (
      name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      sealed MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'JWE under a data key of the vault',
      event_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'what the seal is bound to besides the name',
      setting_time BIGINT NOT NULL COMMENT 'milliseconds since 1970 by the clock of whoever gave it; a newer one wins'
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 ROW_FORMAT = DYNAMIC COMMENT = 'Settings of ours, sealed'`,
  ],
}
