import { countParked, readCursors } from '@tributary/consumer'
import { checksumTable, latestRebuild, type Projection, readGeneration } from '@tributary/projection'
import type { Command } from 'commander'
import { printRows } from '../output.ts'
import { projectionNamed } from '../projections.ts'
import { type LogAccess, withHistory } from '../setting-up.ts'
import { addParkedSubcommands } from './parked.ts'

/** `tributary projection status|parked|requeue|skip`. */
export function addProjectionCommands(program: Command): void {
  const projection = program.command('projection').description('the projections that keep tables, and how they do')
  projection
    .command('status')
    .description('generation, lag, parked keys and the last rebuild of each projection')
    .argument('[projection]', 'only this one')
    .option('--checksum', 'count and checksum of every table as well; reads every row')
    .option('--json', 'one JSON object a line')
    .action((name: string | undefined, options, command: Command) =>
      withHistory(command, async (access) => {
        const projections = name === undefined ? access.projections : [projectionNamed(access.projections, name)]
        const rows: Record<string, unknown>[] = []
        for (const one of projections) rows.push(await statusOf(access, one))
        printRows(rows, options)
        if (options.checksum) for (const one of projections) printRows(await checksumsOf(access, one), options)
      }),
    )
  addParkedSubcommands(projection, 'parked')
}

async function statusOf({ database, log }: LogAccess, projection: Projection): Promise<Record<string, unknown>> {
  const { name, topic } = projection
  const ends = await log.ends(topic)
  const cursors = new Map((await readCursors(database, name, topic)).map((row) => [row.partition, row]))
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
    lastMoved: moved === 0 ? 'never' : new Date(moved).toISOString(),
    parked: (await countParked(database)).get(name) ?? 0,
    lastRebuild: rebuild
      ? `generation ${rebuild.generation} ${rebuild.state} ${new Date(rebuild.finishedTime ?? rebuild.updatedTime).toISOString()}`
      : 'none',
  }
}

async function checksumsOf({ database }: LogAccess, projection: Projection): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = []
  for (const { name } of projection.tables) rows.push({ table: name, ...(await checksumTable(database, name)) })
  return rows
}
