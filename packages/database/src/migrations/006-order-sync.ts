import type { Migration } from '../migration.ts'

export const migration: Migration = { name: '006-order-sync', statements: [] }
