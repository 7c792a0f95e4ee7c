import type { Migration } from '../migration.ts'

/**
 * For whom events were when an endpoint's cursor passed them. Who gets a seller's orders changes, and positions do not say
 * when: without this nobody could tell later whether a delivery is missing or was never meant. A seller has a row for each
 * stretch of positions, which is one as long as nobody changes anything.
 */
export const migration: Migration = {
  name: '050-delivery-routes',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_delivery_route (
      endpoint VARCHAR(128) NOT NULL,
      topic VARCHAR(100) NOT NULL,
      partition_no INT NOT NULL,
      routed_by VARCHAR(150) NOT NULL COMMENT 'channel and seller; empty: the record begins here; -: one delivery that was set aside and then not meant any more',
      from_position BIGINT NOT NULL COMMENT 'the first event that was for the endpoint',
      until_position BIGINT NULL COMMENT 'the first that was not any more; NULL as long as they are',
      until_time BIGINT NULL COMMENT 'when that was; the row goes with the attempts of that day',
      PRIMARY KEY (endpoint, topic, partition_no, routed_by, from_position),
      INDEX idx_until_time (until_time)
    ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  ],
}
