import type { Migration } from '../migration.ts'

/**
 * Given columns that real values overflow; nothing else about them changes, and nothing is ever made narrower.
 * docs/database.md says for each what proves it. A TEXT can have no literal default before MySQL 8.0.13, so
 * `refresh_token` loses its empty one.
 */
export const migration: Migration = {
  name: '002-widenings',
  statements: [
    `ALTER TABLE eg_order_app_seller
      MODIFY COLUMN refresh_token text CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL COMMENT '刷新token'`,
    `ALTER TABLE eg_order_order
      MODIFY COLUMN receiver_address_detail varchar(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL DEFAULT '' COMMENT '完整的收件人详细地址',
      MODIFY COLUMN receiver_city varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL DEFAULT '' COMMENT '配送目的地所在的城市'`,
    `ALTER TABLE eg_order_order_original
      MODIFY COLUMN original mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NULL COMMENT '原始订单信息'`,
  ],
}
