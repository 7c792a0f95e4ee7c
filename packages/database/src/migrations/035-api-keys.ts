import type { Migration } from '../migration.ts'

/** Keys of the callers of the HTTP API. Only a digest is kept: the key itself has 256 random bits and is shown once. */
export const migration: Migration = {
  name: '035-api-keys',
  statements: [
    `
CREATE TABLE IF NOT EXISTS tributary_api_key
(
  id varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name varchar(100) NOT NULL,
  key_hash binary(32) NOT NULL,
  scopes varchar(255) NOT NULL,
  create_time bigint NOT NULL,
  revoked_time bigint NULL,
  PRIMARY KEY (id),
  UNIQUE INDEX idx_key_hash (key_hash)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4`,
  ],
}
