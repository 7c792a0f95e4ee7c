import type { Migration } from '../migrate.ts'

export const migration: Migration = { name: '008-projection', statements: [] }
