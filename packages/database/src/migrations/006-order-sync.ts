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
    // Orders to read. `due_time` is the only thing a claim looks for: a claimed task is due when its claim ends.
    `CREATE TABLE IF NOT EXISTS tributary_order_read (
      channel INT NOT NULL,
      seller_id VARCHAR(100) NOT NULL,
      order_id VARCHAR(100) NOT NULL,
      origin VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'of OrderReceived',
      requested BIGINT NOT NULL DEFAULT 1 COMMENT 'how often it was asked for; a task ends only if nobody asked meanwhile',
      notified_time BIGINT NOT NULL COMMENT 'newest hint, by the clock of the marketplace',
      created_time BIGINT NOT NULL,
      due_time BIGINT NOT NULL COMMENT 'when to try; of a claimed task the end of its claim',
      state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'waiting' COMMENT 'waiting, parked or dropped',
      attempts INT NOT NULL DEFAULT 0,
      last_error VARCHAR(255) NOT NULL DEFAULT '',
      claimed_by VARCHAR(100) NULL,
      traceparent VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
      PRIMARY KEY (channel, seller_id, order_id),
      INDEX idx_due_time (due_time)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Orders that somebody said have changed'`,
    `CREATE TABLE IF NOT EXISTS tributary_poll (
      channel INT NOT NULL,
      seller_id VARCHAR(100) NOT NULL,
      cursor_time BIGINT NOT NULL DEFAULT 0 COMMENT 'everything modified up to here has been read; 0 before the first poll',
      due_time BIGINT NOT NULL DEFAULT 0 COMMENT 'when to poll; of a claimed row the end of its claim',
      epoch BIGINT NOT NULL DEFAULT 0 COMMENT 'grows with each claim; only its newest holder may move the cursor',
      claimed_by VARCHAR(100) NULL,
      failures INT NOT NULL DEFAULT 0,
      last_error VARCHAR(255) NOT NULL DEFAULT '',
      success_time BIGINT NOT NULL DEFAULT 0 COMMENT 'when a poll last came to its end',
      swept_time BIGINT NOT NULL DEFAULT 0 COMMENT 'when the open orders were last asked for again',
      wanted TINYINT NOT NULL DEFAULT 0 COMMENT 'a consent came while it was claimed',
      revocation_time BIGINT NOT NULL DEFAULT 0 COMMENT 'of a notice that the grant ended, not yet looked into; 0 when there is none',
      PRIMARY KEY (channel, seller_id),
      INDEX idx_due_time (due_time)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'How far the orders of each seller have been read'`,
    `CREATE TABLE IF NOT EXISTS tributary_order_seen (
      channel INT NOT NULL,
      seller_id VARCHAR(100) NOT NULL,
      order_id VARCHAR(100) NOT NULL,
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'the OrderReceived appended last',
      source_time BIGINT NOT NULL DEFAULT 0,
      digest VARCHAR(64) NOT NULL DEFAULT '',
      subject VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'whom the sealed part is about',
      personal TEXT CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'JSON: keyed hashes of the known fields; NULL after an erasure',
      open_since BIGINT NULL COMMENT 'creation time of an order that has not been shipped yet; NULL otherwise',
      PRIMARY KEY (channel, seller_id, order_id),
      INDEX idx_open_since (channel, seller_id, open_since)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'What each order looked like when it was appended last'`,
    // `grant_id` is the id of the event that carries the refresh token; a refused or replaced grant is named by it, too.
    `CREATE TABLE IF NOT EXISTS tributary_access_token (
      channel INT NOT NULL,
      seller_id VARCHAR(100) NOT NULL,
      grant_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
      sealed TEXT CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'the access token; NULL when there is none',
      refresh_time BIGINT NOT NULL DEFAULT 0 COMMENT 'when to get the next one',
      expires_time BIGINT NOT NULL DEFAULT 0,
      claimed_by VARCHAR(100) NULL COMMENT 'who is getting the next one',
      claimed_until BIGINT NOT NULL DEFAULT 0 COMMENT 'without claimed_by: no try before this',
      failures INT NOT NULL DEFAULT 0,
      refused_grant_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
      rotated_from VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'the grant that was replaced',
      rotated_to MEDIUMTEXT NULL COMMENT 'JSON of the SellerTokenRotated that says so, the token sealed in it',
      PRIMARY KEY (channel, seller_id)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC
      COMMENT = 'Access tokens of sellers, sealed'`,
    `CREATE TABLE IF NOT EXISTS tributary_call_budget (
      channel INT NOT NULL,
      operation VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      day DATE NOT NULL COMMENT 'as the marketplace counts them',
      used BIGINT NOT NULL DEFAULT 0 COMMENT 'calls made or set aside',
      paused_until BIGINT NOT NULL DEFAULT 0,
      PRIMARY KEY (channel, operation, day)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
      COMMENT = 'Calls to marketplaces that count against a daily limit'`,
  ],
}
