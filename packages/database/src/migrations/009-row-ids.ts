import type { Migration } from '../migrate.ts'

export const migration: Migration = { name: '009-row-ids', statements: [] }
