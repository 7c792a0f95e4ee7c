import type { Migration } from '../migration.ts'

const TABLE = 'ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC'

/**
 * What the directory tables cannot hold. Five leaders of 64 characters make 324, and two real ids already 65
 * (docs/database.md), so `direct_leader` is widened; nothing else about it changes.
 */
export const migration: Migration = {
  name: '015-wework-directory',
  statements: [
    `ALTER TABLE eg_wework_member
      MODIFY COLUMN direct_leader varchar(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NULL DEFAULT NULL COMMENT '直属上级UserID'`,
    `CREATE TABLE IF NOT EXISTS tributary_wework_entry (
      id BIGINT NOT NULL COMMENT 'eg_wework_member.id or eg_wework_department.id',
      entry VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'keyed hash of the id that it has at WeCom',
      former VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of the id that it had before',
      open_user_id VARCHAR(1024) NULL,
      is_placeholder TINYINT NOT NULL COMMENT '1: WeCom told no name, the row shows an id instead',
      facts MEDIUMTEXT NOT NULL COMMENT 'JSON, as projections/wework/src/facts.ts writes it',
      PRIMARY KEY (id),
      INDEX idx_entry (entry),
      INDEX idx_former (former)
    ) ${TABLE} COMMENT = 'Members and departments, and the source times behind their values'`,
    `CREATE TABLE IF NOT EXISTS tributary_wework_place (
      id BIGINT NOT NULL COMMENT 'eg_wework_member_dept.id',
      entry_id BIGINT NOT NULL COMMENT 'tributary_wework_entry.id of the member',
      department VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'tributary_wework_entry.entry of the department',
      dept_id BIGINT NOT NULL COMMENT '0 once it is erased',
      listed TINYINT NOT NULL COMMENT 'whether the newest list of the member has it',
      listed_time BIGINT NOT NULL COMMENT 'seconds: of that list',
      gone_time BIGINT NULL COMMENT 'seconds: when the department was deleted, if after that list',
      PRIMARY KEY (id),
      INDEX idx_entry_id (entry_id),
      INDEX idx_department (department)
    ) ${TABLE} COMMENT = 'Which members are or were in which departments'`,
  ],
}
