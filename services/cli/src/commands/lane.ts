import { listLanes, resumeLanes } from '@tributary/delivery'
import type { Command } from 'commander'
import { CommandError } from '../failure.ts'
import { printLine, printRows } from '../output.ts'
import { withDatabase } from '../setting-up.ts'

/** `tributary lane list|resume`: keys that an endpoint does not take. */
export function addLaneCommands(program: Command): void {
  const lane = program.command('lane').description('keys that an endpoint does not take: retried on a schedule, then blocked')
  lane
    .command('list')
    .description('every lane, why, when it is tried next, and how many events wait behind it')
    .option('--endpoint <name>', 'only this endpoint')
    .option('--json', 'one JSON object a line')
    .action(async (options, command: Command) => {
      const lanes = await withDatabase(command, (database) =>
        listLanes(database, options.endpoint ? { endpoint: options.endpoint } : {}),
      )
      printRows(
        lanes.map(({ nextTime, since, ...rest }) => ({
          ...rest,
          next: rest.state === 'blocked' ? '' : new Date(nextTime).toISOString(),
          since: new Date(since).toISOString(),
        })),
        options,
      )
    })
  lane
    .command('resume')
    .description('try blocked keys of an endpoint again, in order')
    .argument('<endpoint>', 'as `lane list` shows it')
    .option('--key <key>', 'only this key')
    .action(async (endpoint: string, options, command: Command) => {
      const resumed = await withDatabase(command, (database) => resumeLanes(database, endpoint, options.key))
      if (resumed === 0) throw new CommandError('LANE_NOT_BLOCKED', 'No such lane is blocked. See: tributary lane list')
      printLine(`${resumed === 1 ? 'One lane is' : `${resumed} lanes are`} tried again within seconds.`)
    })
}
