import type { ConsumerDefinition, Delivered } from '@tributary/consumer'
import type { Connection, CorpName } from '@tributary/database'
import { CONTACT_TOPIC, type ContactPart, type EventOf } from '@tributary/events'
import type { Vault } from '@tributary/vault'
import { CONSUMER } from './context.ts'
import { changesOf, type EntryChange, foldEntry } from './directory-fold.ts'
import { clearEntries, type Entry, loadEntries, writeEntries } from './directory-rows.ts'

/** One event as its table sees it: the corp is forgotten, or some of its entries change. */
type Step = { corp: CorpName; clears: boolean; changes: EntryChange[] }

/**
 * Keeps what the log says of each directory, for readings to compare themselves with. A table of its own and not the
 * directory tables: those hold no corp, and only corps that are given a schema stand in them.
 */
export function directoryConsumer(vault: Vault): ConsumerDefinition<Step[]> {
  return {
    name: CONSUMER,
    group: CONSUMER,
    topic: CONTACT_TOPIC,
    types: ['ContactChanged', 'CorpDeauthorized'],
    keyOf: ({ partitionkey }) => partitionkey,
    prepare: (events) => stepsOf(vault, events),
    apply: applySteps,
    applyTogether: applyAllSteps,
  }
}

async function stepsOf(vault: Vault, events: readonly Delivered[]): Promise<Step[]> {
  const wanted = events.flatMap(({ event }) =>
    event.type === 'ContactChanged' || event.type === 'CorpDeauthorized' ? [event] : [],
  )
  const sealed = wanted.flatMap((event) =>
    event.type === 'ContactChanged' && event.data.sealed !== null
      ? [{ subject: event.data.subject, eventId: event.id, jwe: event.data.sealed }]
      : [],
  )
  const outcomes = sealed.length === 0 ? [] : await vault.open(sealed)
  const parts = new Map(
    outcomes.flatMap((outcome, index) =>
      outcome.kind === 'opened' ? [[sealed[index]?.eventId, JSON.parse(outcome.plaintext) as ContactPart] as const] : [],
    ),
  )
  return wanted.map((event) => stepOf(event, parts.get(event.id)))
}

function stepOf(event: EventOf<'ContactChanged'> | EventOf<'CorpDeauthorized'>, part: ContactPart | undefined): Step {
  const { customer, suiteId, authCorpId } = event.data
  const corp = { customer, suiteId, corpId: authCorpId }
  if (event.type === 'CorpDeauthorized') return { corp, clears: true, changes: [] }
  return { corp, clears: false, changes: part ? changesOf(event.data, part) : [] }
}

const applyAllSteps = (connection: Connection, prepared: readonly Step[][]): Promise<void> =>
  applySteps(connection, prepared.flat())

async function applySteps(connection: Connection, steps: readonly Step[]): Promise<void> {
  const corps = new Map<string, { corp: CorpName; steps: Step[] }>()
  for (const step of steps) {
    const key = JSON.stringify([step.corp.customer, step.corp.suiteId, step.corp.corpId])
    const those = corps.get(key) ?? { corp: step.corp, steps: [] }
    those.steps.push(step)
    corps.set(key, those)
  }
  for (const { corp, steps: ofCorp } of corps.values()) await applyToCorp(connection, corp, ofCorp)
}

async function applyToCorp(connection: Connection, corp: CorpName, steps: readonly Step[]): Promise<void> {
  const lastClear = steps.findLastIndex(({ clears }) => clears)
  if (lastClear >= 0) await clearEntries(connection, corp)
  const changes = steps.slice(lastClear + 1).flatMap((step) => step.changes)
  const entries = new Map<string, Entry>()
  for (const kind of ['m', 'd'] as const) {
    const ids = [...new Set(changes.filter((change) => change.kind === kind).map(({ id }) => id))]
    for (const [id, entry] of await loadEntries(connection, corp, kind, ids)) entries.set(`${kind}${id}`, entry)
  }
  for (const change of changes) {
    const key = `${change.kind}${change.id}`
    entries.set(key, foldEntry(entries.get(key), change))
  }
  // In one order everywhere, so that two owners of a partition wait for each other and do not deadlock.
  const sorted = [...entries.entries()].sort(([one], [other]) => (one < other ? -1 : 1))
  await writeEntries(
    connection,
    sorted.map(([, entry]) => ({ corp, entry })),
  )
}
