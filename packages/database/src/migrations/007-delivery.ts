import type { Migration } from '../migrate.ts'

export const migration: Migration = { name: '007-delivery', statements: [] }
