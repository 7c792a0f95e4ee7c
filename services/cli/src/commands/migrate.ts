import { type Database, migrate, migrationStatus } from '@tributary/database'
import type { Command } from 'commander'
import { printLine, printRows } from '../output.ts'
import { withDatabase } from '../setting-up.ts'
import { recordChange } from '../what-commands-do.ts'

/** `tributary migrate`: brings the schema of the database up to this version. */
export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('bring the database schema up to this version; safe to run again and from several places')
    .option('--status', 'only show what has run and what would run')
    .option('--json', 'one JSON object a line (with --status)')
    .action(async (options, command: Command) => {
      await withDatabase(command, async (database) => {
        if (options.status) return printRows(await statusRows(database), options)
        const done = await migrate(database, { onStep: (name) => printLine(`migrating ${name}`) })
        await recordChange(database, command, `${done.length} migrations`)
        printLine(done.length === 0 ? 'The schema is up to date.' : `${done.length} migrations ran.`)
      })
    })
}

async function statusRows(database: Database): Promise<Record<string, unknown>[]> {
  return (await migrationStatus(database)).map(({ name, state, landedAt }) => ({
    name,
    state,
    since: landedAt === undefined ? '' : new Date(landedAt).toISOString(),
  }))
}
