import type { Migration } from '../migration.ts'

export const migration: Migration = { name: '004-consumer', statements: [] }
