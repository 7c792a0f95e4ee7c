import type { Migration } from '../migration.ts'

/** What we were asked to tell marketplaces about packages. The log holds the requests and outcomes; this is where each stands. */
export const migration: Migration = {
  name: '036-shipments',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_shipment (
      sequence BIGINT NOT NULL AUTO_INCREMENT COMMENT 'shipments of one order are announced in this order',
      shipment_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      channel INT NOT NULL,
      seller_id VARCHAR(100) NOT NULL,
      order_id VARCHAR(100) NOT NULL,
      request_digest BINARY(32) NULL COMMENT 'of what was asked for: a key stands for one shipment only; NULL in a row made of the log alone',
      state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'asked, waiting, parked, confirmed or refused',
      parcel MEDIUMTEXT NOT NULL COMMENT 'JSON: carrier, trackingNumber, lines, shippedTime',
      requested_by VARCHAR(100) NOT NULL,
      requested_time BIGINT NOT NULL,
      due_time BIGINT NULL COMMENT 'when to try; of a claimed one the end of its claim; NULL when there is nothing to do',
      claimed_by VARCHAR(100) NULL,
      attempts INT NOT NULL DEFAULT 0,
      last_error VARCHAR(255) NOT NULL DEFAULT '',
      traceparent VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
      outcome MEDIUMTEXT NULL COMMENT 'JSON: what the marketplace said',
      settled_time BIGINT NULL,
      PRIMARY KEY (sequence),
      UNIQUE INDEX idx_shipment_id (shipment_id),
      INDEX idx_order (channel, seller_id, order_id, sequence),
      INDEX idx_due_time (due_time)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC`,
  ],
}
