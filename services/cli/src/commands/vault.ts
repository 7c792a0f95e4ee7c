import { rewrapKeys } from '@tributary/vault'
import type { Command } from 'commander'
import { printLine } from '../output.ts'
import { withDatabase } from '../setting-up.ts'

/** `tributary vault rewrap`: the last step of rotating the master key. */
export function addVaultCommands(program: Command): void {
  const vault = program.command('vault').description('keys of the personal data')
  vault
    .command('rewrap')
    .description('wrap every data key under the first master key, so that the others can be taken away')
    .action(async (_options, command: Command) => {
      const changed = await withDatabase(command, (database, { masterKeys }) => rewrapKeys(database, masterKeys))
      printLine(changed === 0 ? 'Every key was under the first master key already.' : `${changed} keys were wrapped anew.`)
    })
}
