export * from './mariadb.ts'
export * from './test-database.ts'
