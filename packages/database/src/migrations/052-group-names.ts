import type { Migration } from '../migration.ts'

/** Each endpoint has a group of its own, which goes by the endpoint's name: as wide as that everywhere else. */
export const migration: Migration = {
  name: '052-group-names',
  statements: [
    'ALTER TABLE tributary_log_member MODIFY COLUMN group_name VARCHAR(128) NOT NULL',
    'ALTER TABLE tributary_log_lease MODIFY COLUMN group_name VARCHAR(128) NOT NULL',
  ],
}
