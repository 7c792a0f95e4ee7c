import type { Migration } from '../migration.ts'

const IS_MISSING = `NOT EXISTS (SELECT 1 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'tributary_row_id_worker' AND column_name = 'issued_to')`
const ADD = `ALTER TABLE tributary_row_id_worker ADD COLUMN issued_to BIGINT NOT NULL DEFAULT 0
  COMMENT ''milliseconds since 1970: no id of this worker bears a later time''`

/** Up to which time ids may have been made, so that the next holder of a number begins behind it, whatever its clock says. */
export const migration: Migration = {
  name: '053-row-id-times',
  statements: [
    `SET @statement = IF(${IS_MISSING}, '${ADD}', 'DO 0')`,
    'PREPARE step FROM @statement',
    'EXECUTE step',
    'DEALLOCATE PREPARE step',
  ],
}
