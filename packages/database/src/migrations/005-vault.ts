import type { Migration } from '../migration.ts'

/** What the vault keeps. Every key in it is wrapped by a master key, which is never in the database. */
export const migration: Migration = {
  name: '005-vault',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_subject_key (
      subject CHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT 'pseudonym of a person, corp or seller',
      wrapped_key VARBINARY(128) NULL COMMENT 'the data key, wrapped; NULL once destroyed',
      master_key CHAR(16) CHARACTER SET ascii NULL COMMENT 'which master key wraps it',
      create_time BIGINT NULL COMMENT 'when the data key was made; NULL when destroyed before there was one',
      destroy_time BIGINT NULL COMMENT 'milliseconds since 1970, as all times'
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COMMENT = 'Data keys; destroying one erases what it sealed'`,
    `CREATE TABLE IF NOT EXISTS tributary_subject_holder (
      subject CHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      digest BINARY(32) NOT NULL COMMENT 'SHA-256 of the holder',
      holder TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      PRIMARY KEY (subject, digest)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COMMENT = 'Who holds data of a subject'`,
    `CREATE TABLE IF NOT EXISTS tributary_subject_pseudonym_key (
      id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
      wrapped_key VARBINARY(128) NOT NULL,
      master_key CHAR(16) CHARACTER SET ascii NOT NULL
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COMMENT = 'The one key that makes pseudonyms; never changes, only its wrapping does'`,
  ],
}
