export * from './machine.ts'
export * from './mariadb.ts'
export * from './migrated-database.ts'
export * from './test-database.ts'
