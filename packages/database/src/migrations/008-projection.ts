import type { Migration } from '../migration.ts'

/** One row for each row of `eg_order_order`: which source times stand behind its values. Says nothing about a person. */
export const migration: Migration = {
  name: '008-projection',
  statements: [
    `CREATE TABLE IF NOT EXISTS tributary_order_fold (
      id BIGINT NOT NULL COMMENT 'eg_order_order.id',
      facts MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL COMMENT 'JSON, as projections/orders/src/facts.ts writes it',
      PRIMARY KEY (id)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_general_ci ROW_FORMAT = DYNAMIC
      COMMENT = 'Source times behind the values of an order'`,
  ],
}
