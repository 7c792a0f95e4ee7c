/** One step of the schema. Statements must be re-runnable: a crash half-way runs them again. MySQL 5.7 syntax. */
export type Migration = { name: string; statements: readonly string[] }
