import type { Migration } from '../migrate.ts'

export const migration: Migration = { name: '005-vault', statements: [] }
