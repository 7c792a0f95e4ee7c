import { countParked, readCursors } from '@tributary/consumer'
import {
  checksumTable,
  isBeingRebuilt,
  isEnded,
  latestRebuild,
  type Projection,
  type RebuildRecord,
  readGeneration,
} from '@tributary/projection'
import { pause } from '@tributary/runtime'
import type { Command } from 'commander'
import { printRows } from '../output.ts'
import { projectionNamed } from '../projections.ts'
import { type LogAccess, withHistory } from '../setting-up.ts'
import { addParkedSubcommands } from './parked.ts'

/** How long the rate is measured, milliseconds. */
const MEASURED = 1_000

/** `tributary projection status|parked|requeue|skip`. */
export function addProjectionCommands(program: Command): void {
  const projection = program.command('projection').description('the projections that keep tables, and how they do')
  projection
    .command('status')
    .description('generation, lag, events a second (measured for one), parked keys and the last rebuild of each projection')
    .argument('[projection]', 'only this one')
    .option('--checksum', 'count and checksum of every table as well; reads every row')
    .option('--json', 'one JSON object a line')
    .action((name: string | undefined, options, command: Command) =>
      withHistory(command, async (access) => {
        const projections = name === undefined ? access.projections : [projectionNamed(access.projections, name)]
        const looks = await Promise.all(projections.map(async (one) => ({ one, before: await readProgress(access, one) })))
        await pause(MEASURED, access.signal)
        access.signal.throwIfAborted()
        const rows: Record<string, unknown>[] = []
        for (const { one, before } of looks) rows.push(await statusOf(access, one, before))
        printRows(rows, options)
        if (options.checksum) for (const one of projections) printRows(await checksumsOf(access, one), options)
      }),
    )
  addParkedSubcommands(projection, 'parked')
}

/** Where the cursors of a projection stood, and when that was read, milliseconds. */
type ProjectionProgress = { time: number; cursors: Awaited<ReturnType<typeof readCursors>> }

const readProgress = async ({ database }: LogAccess, { name, topic }: Projection): Promise<ProjectionProgress> => ({
  cursors: await readCursors(database, name, topic),
  time: performance.now(),
})

/** Events of the log a second between two looks, those included that a projection passes over; none for a cursor that was set back. */
export function rateBetween(before: ProjectionProgress, after: ProjectionProgress): number {
  const stood = new Map(before.cursors.map(({ partition, next }) => [partition, next]))
  const moved = after.cursors.reduce((sum, { partition, next }) => sum + Math.max(0, next - (stood.get(partition) ?? 0)), 0)
  return Math.round((moved * 1_000) / (after.time - before.time))
}

async function statusOf(
  access: LogAccess,
  projection: Projection,
  before: ProjectionProgress,
): Promise<Record<string, unknown>> {
  const { database, log } = access
  const { name, topic } = projection
  const after = await readProgress(access, projection)
  const ends = await log.ends(topic)
  const cursors = new Map(after.cursors.map((row) => [row.partition, row]))
  const behind = ends.flatMap((end, partition) => {
    const next = cursors.get(partition)?.next ?? 0
    return next < end ? [{ partition, next, events: end - next }] : []
  })
  const oldest = await Promise.all(
    behind.map(async ({ partition, next }) => (await log.read(topic, partition, next, { limit: 1 })).events[0]?.recordedTime),
  )
  const moved = Math.max(0, ...[...cursors.values()].map(({ updatedTime }) => updatedTime))
  const rebuild = await latestRebuild(database, projection)
  return {
    projection: name,
    generation: await readGeneration(database, projection),
    lag: behind.reduce((sum, { events }) => sum + events, 0),
    lagSeconds: Math.max(0, ...oldest.map((time) => (time === undefined ? 0 : Math.round((Date.now() - time) / 1_000)))),
    rate: rateBetween(before, after),
    lastMoved: moved === 0 ? 'never' : new Date(moved).toISOString(),
    parked: (await countParked(database)).get(name) ?? 0,
    lastRebuild: rebuild ? `${toldRebuild(rebuild)}${await whoRuns(access, projection, rebuild)}` : 'none',
  }
}

const toldRebuild = ({ generation, state, finishedTime, updatedTime }: RebuildRecord): string =>
  `generation ${generation} ${state} ${new Date(finishedTime ?? updatedTime).toISOString()}`

/** Of a rebuild that has not ended: the state of one whose process was killed is that in which it was killed. */
async function whoRuns({ database }: LogAccess, projection: Projection, rebuild: RebuildRecord): Promise<string> {
  if (isEnded(rebuild)) return ''
  return (await isBeingRebuilt(database, projection)) ? `, by ${rebuild.runner}` : ', nobody runs it'
}

async function checksumsOf({ database }: LogAccess, projection: Projection): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = []
  for (const { name } of projection.tables) rows.push({ table: name, ...(await checksumTable(database, name)) })
  return rows
}
