import type { Migration } from '../migration.ts'

/** The directory of a corp is named after its database: as wide as the name of a consumer, which it is. */
export const migration: Migration = {
  name: '054-rebuild-names',
  statements: ['ALTER TABLE tributary_rebuild MODIFY COLUMN projection VARCHAR(128) NOT NULL'],
}
