import type { Migration } from '../migrate.ts'

export const migration: Migration = { name: '002-widenings', statements: [] }
