import type { Migration } from '../migration.ts'

const IS_MISSING = `NOT EXISTS (SELECT 1 FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'tributary_shipment' AND index_name = 'idx_settled_time')`

/** Finished shipments go when they are old enough, and are found by when they were settled. MySQL has no IF NOT EXISTS for an index. */
export const migration: Migration = {
  name: '051-settled-shipments',
  statements: [
    `SET @statement = IF(${IS_MISSING}, 'ALTER TABLE tributary_shipment ADD INDEX idx_settled_time (settled_time)', 'DO 0')`,
    'PREPARE step FROM @statement',
    'EXECUTE step',
    'DEALLOCATE PREPARE step',
  ],
}
