import type { Migration } from '../migrate.ts'

export const migration: Migration = { name: '006-order-sync', statements: [] }
