import { type Database, migrate, openDatabase } from '@tributary/database'
import { emptyTestDatabase } from './test-database.ts'

/** A database of its own with every migration, and an open pool on it. `drop` closes the pool and removes the database. */
export async function migratedTestDatabase(name = 'test'): Promise<{ url: string; database: Database; drop(): Promise<void> }> {
  const { url, drop } = await emptyTestDatabase(name)
  const database = openDatabase(url)
  try {
    await migrate(database)
  } catch (error) {
    await database.close()
    await drop()
    throw error
  }
  return {
    url,
    database,
    drop: async () => {
      await database.close()
      await drop()
    },
  }
}
