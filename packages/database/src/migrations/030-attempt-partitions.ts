import type { Migration } from '../migration.ts'

const ATTEMPTS = "table_schema = DATABASE() AND table_name = 'tributary_delivery_attempt'"
const BEFORE_IS_THERE =
  "EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'tributary_delivery_attempt_before')"

/** Runs a statement where a condition holds: MySQL has no IF EXISTS for most of what is altered here. */
const whenever = (condition: string, statement: string): string[] => [
  `SET @statement = IF(${condition}, ${statement}, 'DO 0')`,
  'PREPARE step FROM @statement',
  'EXECUTE step',
  'DEALLOCATE PREPARE step',
]

/**
 * Attempts in daily partitions, so that old ones go by a DROP PARTITION; packages/delivery/src/attempt-partitions.ts makes
 * and drops the days. All that is there becomes the first partition.
 *
 * ALTER TABLE … PARTITION BY would copy every row while deliveries wait. So a table that is partitioned and empty takes the
 * name by a rename, and the rows from before become its first partition by an exchange, which copies nothing. Attempts that
 * came between the two are put back behind that. The first partition ends after tomorrow, so that it takes whatever the
 * clocks of running dispatchers say meanwhile. A crash between the exchange and the end swaps twice, which is right, too,
 * but copies the rows.
 *
 * Attempts are asked for by endpoint and time; by time alone no more.
 */
export const migration: Migration = {
  name: '030-attempt-partitions',
  statements: [
    'SET @latest = GREATEST(UNIX_TIMESTAMP() * 1000, (SELECT COALESCE(MAX(time), 0) FROM tributary_delivery_attempt))',
    ...whenever(
      `EXISTS (SELECT 1 FROM information_schema.statistics WHERE ${ATTEMPTS} AND index_name = 'idx_time')`,
      "'ALTER TABLE tributary_delivery_attempt ADD INDEX idx_endpoint_time (endpoint, time), DROP INDEX idx_time'",
    ),
    'CREATE TABLE IF NOT EXISTS tributary_delivery_attempt_next LIKE tributary_delivery_attempt',
    ...whenever(
      'TRUE',
      `CONCAT('ALTER TABLE tributary_delivery_attempt_next PARTITION BY RANGE (time) (PARTITION first_days VALUES LESS THAN (',
         (@latest DIV 86400000 + 2) * 86400000, '), PARTITION later VALUES LESS THAN MAXVALUE)')`,
    ),
    ...whenever(
      `EXISTS (SELECT 1 FROM information_schema.partitions WHERE ${ATTEMPTS} AND partition_name IS NULL)`,
      "'RENAME TABLE tributary_delivery_attempt TO tributary_delivery_attempt_before, tributary_delivery_attempt_next TO tributary_delivery_attempt'",
    ),
    // MariaDB has no WITHOUT VALIDATION before 11.5 and does not read this comment; it looks at every row, without a copy.
    ...whenever(
      BEFORE_IS_THERE,
      "'ALTER TABLE tributary_delivery_attempt EXCHANGE PARTITION first_days WITH TABLE tributary_delivery_attempt_before /*!50705 WITHOUT VALIDATION */'",
    ),
    ...whenever(
      BEFORE_IS_THERE,
      "'INSERT IGNORE INTO tributary_delivery_attempt SELECT * FROM tributary_delivery_attempt_before'",
    ),
    'DROP TABLE IF EXISTS tributary_delivery_attempt_before, tributary_delivery_attempt_next',
  ],
}
