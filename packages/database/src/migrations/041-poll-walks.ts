import type { Migration } from '../migration.ts'

/** Where the reading of a window stopped, for marketplaces whose pages can be asked for later. */
export const migration: Migration = {
  name: '041-poll-walks',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_poll_walk (
      channel INT NOT NULL,
      seller_id VARCHAR(100) NOT NULL,
      window_from BIGINT NOT NULL COMMENT 'milliseconds since 1970, as is the next',
      window_to BIGINT NOT NULL,
      page MEDIUMTEXT NOT NULL COMMENT 'the next page, in the words of its channel',
      walked_time BIGINT NOT NULL COMMENT 'when the page before was read',
      PRIMARY KEY (channel, seller_id)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC`,
  ],
}
