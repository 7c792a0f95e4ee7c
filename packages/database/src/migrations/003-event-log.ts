import type { Migration } from '../migrate.ts'

export const migration: Migration = { name: '003-event-log', statements: [] }
