import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { Command } from 'commander'
import { operatorName } from './operator-name.ts'
import { accountedFor, recordChange } from './what-commands-do.ts'

describe('what a command changes', () => {
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  beforeEach(async () => {
    stage = await migratedTestDatabase('what_commands_do')
  })
  afterEach(() => stage.drop())

  /** A command called with some words, of which the last are its arguments. */
  async function called(names: string[], ...given: string[]): Promise<Command> {
    const program = new Command('tributary')
    const command = names.reduce((parent, name) => parent.command(name), program)
    command.argument('[what...]').option('--from <url>').option('--rollback').option('--verify-only').option('--yes', '', false)
    command.action(() => {})
    await program.parseAsync([...names, ...given], { from: 'user' })
    return command
  }
  const audits = async () => await stage.database.query('SELECT actor, action, target FROM tributary_audit')

  it('is written down before it begins, without what an option may tell of passwords', async () => {
    const command = await called(['import'], 'orders', '--from', 'mysql://root:hidden@host/old')
    let before: unknown
    await accountedFor(stage.database, command, async () => {
      before = await audits()
    })
    const line = { actor: operatorName(), action: 'import', target: 'orders --from' }
    expect(before).to.deep.equal([line])
    expect(await audits()).to.deep.equal([line])
  })

  it('is nothing where a command only looks', async () => {
    await accountedFor(stage.database, await called(['import'], 'orders', '--verify-only'), async () => {})
    await accountedFor(stage.database, await called(['endpoint', 'list']), async () => {})
    expect(await audits()).to.deep.equal([])
  })

  it('never goes unnoticed where a command is to write it down itself', async () => {
    const command = await called(['parked', 'skip'], 'orders')
    const forgetful = await accountedFor(stage.database, command, async () => {}).catch((error: Error) => error)
    expect(forgetful).to.be.instanceOf(TypeError)
    await accountedFor(stage.database, command, () => recordChange(stage.database, command, 'orders 1:2:3 4'))
    expect(await audits()).to.deep.equal([{ actor: operatorName(), action: 'parked skip', target: 'orders 1:2:3 4' }])
  })
})
