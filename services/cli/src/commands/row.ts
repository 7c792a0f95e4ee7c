import { type Change, explainRow, MASK, personalColumnsOf, type RowHistory, recordAccess, type Step } from '@tributary/history'
import type { Cell, Row } from '@tributary/projection'
import type { Command } from 'commander'
import { parseCount, parseTime } from '../arguments.ts'
import { operatorName } from '../operator-name.ts'
import { counted, printLine } from '../output.ts'
import { withHistory } from '../setting-up.ts'

/** `tributary row why`: the events that made a row. */
export function addRowCommands(program: Command): void {
  const row = program.command('row').description('rows of the tables that downstream teams read')
  row
    .command('why')
    .description('why a row is as it is: the events that made it, in order, with what each changed')
    .argument('<table>', 'for example eg_order_order')
    .argument('<id>', 'the value of its column id', parseCount)
    .option('--at <time>', 'the row as it was then, ISO 8601 or milliseconds', parseTime)
    .option('--open', 'show values about people; that you did is recorded in tributary_audit')
    .option('--json', 'one JSON object')
    .action((table: string, id: number, options, command: Command) =>
      withHistory(command, async (access) => {
        const history = await explainRow(
          access,
          { table, id, ...(options.at === undefined ? {} : { at: options.at }) },
          (events) => {
            if (events > 500)
              process.stderr.write(`The index has not come to the last ${events} events; walking through them.\n`)
          },
        )
        if (options.open)
          await recordAccess(access.database, {
            actor: operatorName(),
            action: 'row why --open',
            target: `${table}/${id}`,
          })
        const hidden = options.open ? new Set<string>() : personalColumnsOf(access.projections, table)
        const shown = withoutPersonal(history, hidden)
        if (options.json) printLine(JSON.stringify(shown))
        else printHistory(shown, options.at)
      }),
    )
}

function withoutPersonal(history: RowHistory, hidden: ReadonlySet<string>): RowHistory {
  const hide = (column: string, value: Cell) => (hidden.has(column) && value !== '' && value !== null ? MASK : value)
  const hideChange = ({ column, before, after }: Change): Change => ({
    column,
    before: before === undefined ? undefined : hide(column, before),
    after: hide(column, after),
  })
  return {
    ...history,
    steps: history.steps.map((step) => ({ ...step, changes: step.changes.map(hideChange) })),
    row:
      history.row &&
      (Object.fromEntries(Object.entries(history.row).map(([column, value]) => [column, hide(column, value)])) as Row),
  }
}

function printHistory(
  { table, id, projection, key, topic, steps, row, unexplained }: RowHistory,
  at: number | undefined,
): void {
  printLine(`${table} ${id}: projection ${projection}, key ${key}, ${counted(steps.length, 'event')}`)
  for (const step of steps) printStep(topic, step)
  if (at !== undefined) {
    printLine('')
    printLine(row ? `The row at ${new Date(at).toISOString()}:` : `There was no such row at ${new Date(at).toISOString()}.`)
    for (const [column, value] of Object.entries(row ?? {})) printLine(`  ${column} = ${textOf(value)}`)
  }
  if (unexplained.length > 0)
    printLine(
      `\nNo event explains the present value of: ${unexplained.join(', ')}. Somebody else wrote there; a rebuild undoes it.`,
    )
}

function printStep(
  topic: string,
  { partition, position, recordedTime, eventId, type, traceId, state, changes, remarks }: Step,
): void {
  printLine('')
  printLine(`${new Date(recordedTime).toISOString()}  ${type}  ${topic}/${partition}/${position}`)
  printLine(`  id ${eventId}${traceId ? `, trace ${traceId}` : ''}${STATES[state]}`)
  for (const { column, before, after } of changes)
    printLine(before === undefined ? `  ${column} = ${textOf(after)}` : `  ${column}: ${textOf(before)} → ${textOf(after)}`)
  for (const { kind, column, detail } of remarks) printLine(`  (${kind}: ${column}, ${detail})`)
  if (changes.length === 0 && state === 'applied') printLine('  changes nothing in this row')
}

const STATES = {
  applied: '',
  waiting: '; not applied yet',
  'set-aside': '; parked, waiting behind a parked event, or skipped: see tributary parked list',
} as const

const LONGEST = 120

function textOf(value: Cell): string {
  const text = JSON.stringify(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length} characters)` : text
}
