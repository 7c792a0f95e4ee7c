import type { Migration } from '../migrate.ts'

export const migration: Migration = { name: '004-consumer', statements: [] }
