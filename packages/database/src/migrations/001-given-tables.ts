import type { Migration } from '../migrate.ts'

export const migration: Migration = { name: '001-given-tables', statements: [] }
