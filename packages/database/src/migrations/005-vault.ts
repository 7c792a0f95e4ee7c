import type { Migration } from '../migration.ts'

export const migration: Migration = { name: '005-vault', statements: [] }
