import type { Migration } from '../migration.ts'

/** The keys that sign requests to an endpoint. One that has ended keeps its row, so that its attempts can be told, without its secret. */
export const migration: Migration = {
  name: '031-endpoint-keys',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_endpoint_key (
      endpoint VARCHAR(128) NOT NULL,
      key_id CHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      kind VARCHAR(8) NOT NULL COMMENT 'v1 or v1a',
      public_key VARCHAR(64) NULL COMMENT 'whpk_ and base64, of a v1a key',
      sealed TEXT CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'the secret, JWE under a data key of the vault',
      create_time BIGINT NOT NULL,
      valid_from BIGINT NOT NULL,
      expire_time BIGINT NULL,
      PRIMARY KEY (endpoint, key_id)
    ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  ],
}
