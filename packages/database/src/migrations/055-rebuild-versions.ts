import type { Migration } from '../migration.ts'

const IS_MISSING = `NOT EXISTS (SELECT 1 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'tributary_rebuild' AND column_name = 'version')`
const ADD = `ALTER TABLE tributary_rebuild ADD COLUMN version INT NOT NULL DEFAULT 1
  COMMENT ''of the projection by which its tables are made: no older one may write them'' AFTER generation`

/** Which version of a projection made the tables of a generation, so that a projector of an older release leaves them alone. */
export const migration: Migration = {
  name: '055-rebuild-versions',
  statements: [
    `SET @statement = IF(${IS_MISSING}, '${ADD}', 'DO 0')`,
    'PREPARE step FROM @statement',
    'EXECUTE step',
    'DEALLOCATE PREPARE step',
  ],
}
