import type { Migration } from '../migration.ts'

export const migration: Migration = { name: '007-delivery', statements: [] }
