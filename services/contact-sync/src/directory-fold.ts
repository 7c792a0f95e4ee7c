import type { ContactPart, EventData } from '@tributary/events'
import { listOf } from '@tributary/wecom'
import { type Entry, type EntryKind, placeOf } from './directory-rows.ts'

/** What an event says of one entry. A name or a place of undefined says nothing of it. */
export type EntryChange = {
  kind: EntryKind
  id: string
  time: number
  alive: boolean
  name?: string | undefined
  place?: string | undefined
}

const LONGEST_ID = 64
const LONGEST_NAME = 1_024

/** A name as far as its column holds it, and as the database gives it back: else a reading would find the same difference every day. */
export const keptName = (name: string): string => [...name.toWellFormed()].slice(0, LONGEST_NAME).join('')

/** The entries that a change of a directory is about; a rename is the end of one and news of another. */
export function changesOf(data: EventData<'ContactChanged'>, { fields }: ContactPart): EntryChange[] {
  const text = (name: string): string | undefined => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined
    return typeof value === 'string' ? value : undefined
  }
  const { changeType, timestamp: time, origin } = data
  // What an existing system had kept of events says how it was, not how it is.
  if (changeType === 'update_tag' || origin === 'import-event') return []
  const isMember = changeType.endsWith('_user')
  const kind = isMember ? 'm' : 'd'
  const id = text(isMember ? 'UserID' : 'Id') ?? ''
  const department = text('Department')
  const name = text('Name')
  const change: EntryChange = {
    kind,
    id,
    time,
    alive: !changeType.startsWith('delete'),
    name: name === undefined ? undefined : keptName(name),
    place: isMember ? (department === undefined ? undefined : placeOf(listOf(department))) : text('ParentId'),
  }
  const renamed = isMember ? text('NewUserID') : undefined
  const changes = renamed && renamed !== id ? [{ kind, id, time, alive: false } as const, { ...change, id: renamed }] : [change]
  return changes.filter((one) => one.id !== '' && one.id.length <= LONGEST_ID)
}

/** The entry after a change. The newer time wins for each part, and of equal ones what comes later. */
export function foldEntry(entry: Entry | undefined, change: EntryChange): Entry {
  const { kind, id, time } = change
  const before = entry ?? { kind, id, alive: false, aliveTime: 0, name: null, nameTime: 0, place: null, placeTime: 0 }
  const lives = time >= before.aliveTime ? { alive: change.alive, aliveTime: time } : {}
  const named = change.name !== undefined && time >= before.nameTime ? { name: change.name, nameTime: time } : {}
  const placed = change.place !== undefined && time >= before.placeTime ? { place: change.place, placeTime: time } : {}
  return { ...before, ...lives, ...named, ...placed }
}
