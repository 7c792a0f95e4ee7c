import type { Migration } from '../migration.ts'

export const migration: Migration = { name: '003-event-log', statements: [] }
