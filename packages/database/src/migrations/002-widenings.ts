import type { Migration } from '../migration.ts'

export const migration: Migration = { name: '002-widenings', statements: [] }
