import type { RebuildEvent } from '@tributary/projection'
import { createProgressBar, type Output, type ProgressBar } from '../progress-bar.ts'

/** Shows how a rebuild goes: events while it builds, then rows while it compares. */
export type RebuildBar = {
  hear(event: RebuildEvent): void
  /** Ends the line, before something else is written; what is heard afterwards begins a new one. */
  end(): void
}

export function createRebuildBar(projection: string, output?: Output): RebuildBar {
  const labels = { events: `rebuild ${projection}`, rows: `compare ${projection}` }
  let shown: { unit: keyof typeof labels; bar: ProgressBar } | undefined
  let state = ''

  const barOf = (unit: keyof typeof labels): ProgressBar => {
    if (shown?.unit === unit) return shown.bar
    shown?.bar.end()
    shown = { unit, bar: createProgressBar({ label: labels[unit], unit, ...(output ? { output } : {}) }) }
    return shown.bar
  }

  return {
    hear(event) {
      if (event.kind === 'state') state = event.state
      else if (event.kind === 'comparing') barOf('rows').update(comparisonOf(event))
      // What comes while rows are compared is built on the way, to settle those that differ.
      else if (event.kind === 'progress' && shown?.unit !== 'rows') barOf('events').update(progressOf(event, state))
      else if (event.kind === 'swap-blocked') barOf('events').say(event.message)
    },
    end() {
      shown?.bar.end()
      shown = undefined
    },
  }
}

function comparisonOf({ tables }: Extract<RebuildEvent, { kind: 'comparing' }>) {
  const parts = tables.map(({ table, done, total }) => ({ name: table, done: Math.min(done, total), total }))
  return { ...sumOf(parts), parts }
}

type Progress = Extract<RebuildEvent, { kind: 'progress' }>

/** Each partition and their sum; before the first is known nobody knows the total. */
function progressOf(event: Progress, state: string) {
  const parts = event.partitions.map(({ partition, next, to }) => {
    return { name: `partition ${partition}`, done: Math.min(next, to), total: to }
  })
  const { done, total } = sumOf(parts)
  return { done, total: parts.length === 0 ? undefined : total, note: `${state}${slowestOf(event)}`, parts }
}

function sumOf(parts: readonly { done: number; total: number }[]): { done: number; total: number } {
  return {
    done: parts.reduce((sum, part) => sum + part.done, 0),
    total: parts.reduce((sum, part) => sum + part.total, 0),
  }
}

/** The partition with the most to go, when there is something to go. */
function slowestOf({ partitions }: Progress): string {
  const [slowest] = partitions
    .filter(({ next, to }) => next < to)
    .sort((one, other) => other.to - other.next - (one.to - one.next))
  return slowest ? `, partition ${slowest.partition} has ${(slowest.to - slowest.next).toLocaleString('en')} to go` : ''
}
