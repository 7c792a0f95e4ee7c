import type { Migration } from '../migration.ts'

const CORP = `customer VARCHAR(100) NOT NULL COMMENT 'name under qifu.eg.wework-map',
      suite_id VARCHAR(64) NOT NULL COMMENT 'empty for a self-built app',
      corp_id VARCHAR(64) NOT NULL`
const TABLE = 'ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC'

/** Which corps let us read their directory, what they refused to be, and what we know of each directory. */
export const migration: Migration = {
  name: '014-wework',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_wework_corp (
      ${CORP},
      authorization_no INT NOT NULL DEFAULT 0 COMMENT 'counts authorizations after a cancellation; each has a data key of its own',
      state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'authorized' COMMENT 'authorized or cancelled',
      change_time BIGINT NOT NULL DEFAULT 0 COMMENT 'seconds: when WeCom says the state changed last',
      due_time BIGINT NOT NULL DEFAULT 0 COMMENT 'when to read the directory; of a claimed row the end of its claim',
      claimed_by VARCHAR(100) NULL,
      epoch BIGINT NOT NULL DEFAULT 0 COMMENT 'grows with each claim; only its newest holder may end it',
      wanted TINYINT NOT NULL DEFAULT 0 COMMENT 'a reading was asked for while one ran',
      success_time BIGINT NOT NULL DEFAULT 0 COMMENT 'when a reading last came to its end',
      failures INT NOT NULL DEFAULT 0,
      last_error VARCHAR(255) NOT NULL DEFAULT '',
      PRIMARY KEY (customer, suite_id, corp_id),
      INDEX idx_due_time (due_time)
    ) ${TABLE} COMMENT = 'Corps of WeCom and how far the reading of their directories is'`,
    `CREATE TABLE IF NOT EXISTS tributary_wework_quarantine (
      digest BINARY(32) NOT NULL PRIMARY KEY COMMENT 'SHA-256 of customer, address and body: sent again it is counted, not kept again',
      customer VARCHAR(100) NOT NULL,
      address VARCHAR(200) NOT NULL COMMENT 'the path that it came to',
      reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      body MEDIUMBLOB NOT NULL COMMENT 'as received, encrypted by WeCom',
      times INT NOT NULL DEFAULT 1,
      first_time BIGINT NOT NULL,
      last_time BIGINT NOT NULL,
      INDEX idx_last_time (last_time)
    ) ${TABLE} COMMENT = 'Signed callbacks that were not for us'`,
    `CREATE TABLE IF NOT EXISTS tributary_wework_directory (
      ${CORP},
      kind CHAR(1) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'm member, d department',
      entry_id VARCHAR(64) NOT NULL COMMENT 'UserID, or Id of a department',
      alive TINYINT NOT NULL,
      alive_time BIGINT NOT NULL COMMENT 'seconds; what is older changes nothing, as for every time here',
      name VARCHAR(1024) NULL,
      name_time BIGINT NOT NULL DEFAULT 0,
      place TEXT NULL COMMENT 'departments of a member, sorted and joined by commas; parent of a department',
      place_time BIGINT NOT NULL DEFAULT 0,
      PRIMARY KEY (customer, suite_id, corp_id, kind, entry_id)
    ) ${TABLE} COMMENT = 'What the log says of each directory: the least that a reading compares itself with'`,
  ],
}
