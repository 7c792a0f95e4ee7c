import type { Migration } from '../migration.ts'

export const migration: Migration = { name: '009-row-ids', statements: [] }
