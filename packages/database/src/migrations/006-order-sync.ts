import type { Migration } from '../migration.ts'

export const migration: Migration = {
  name: '006-order-sync',
  statements: [
    // Consents under way. Only hashes: who reads this table cannot finish a consent.
    `CREATE TABLE IF NOT EXISTS tributary_oauth_state (
      state_hash BINARY(32) NOT NULL,
      channel INT NOT NULL,
      app_id BIGINT NOT NULL,
      spi_codes VARCHAR(255) NULL COMMENT 'comma list; NULL leaves the codes of the seller as they are',
      browser_hash BINARY(32) NOT NULL,
      expires_time BIGINT NOT NULL,
      used_time BIGINT NOT NULL DEFAULT 0,
      PRIMARY KEY (state_hash),
      INDEX idx_expires_time (expires_time)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin`,
  ],
}
