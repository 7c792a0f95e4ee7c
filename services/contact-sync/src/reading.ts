import type { CorpName } from '@tributary/database'
import { CONTACT_TOPIC, encodeEvent } from '@tributary/events'
import { inParts, type WeworkCorp } from '@tributary/runtime'
import {
  type ContactsApi,
  contactEvents,
  corpSubject,
  type Fields,
  type ListedDepartment,
  type ListedMember,
  WecomError,
} from '@tributary/wecom'
import { type Difference, deletion, departmentDifference, memberDifference } from './comparison.ts'
import { SOURCE, type SyncContext } from './context.ts'
import { countLiving, type Entry, type EntryKind, livingEntries, loadEntries } from './directory-rows.ts'

/** How a directory is read, and what came of it so far. Members stand in a count once, in however many departments. */
export type Reading = {
  departments: number
  members: number
  created: number
  updated: number
  deleted: number
  /** Living entries that the lists lack. */
  missing: number
  /** False when a part of the directory could not be seen: then nothing is deleted. */
  complete: boolean
  /** The deletions are so many that a person has to confirm them. */
  heldBack: boolean
}

export type ReadingProgress = { done: number; total: number | undefined; note: string }

export type ReadingRequest = {
  corp: CorpName
  authorization: number
  directory: WeworkCorp['directory']
  api: ContactsApi
  signal: AbortSignal
  /** A person has said that more than a twentieth of the corp may go. */
  confirmed?: boolean
  onProgress?: (progress: ReadingProgress) => void
}

/** More than this share of a corp goes only when a person says so. */
const MOST_DELETED = 0.05
/** Departments asked for at the same time. */
const AT_ONCE = 8
const BATCH = 500

/**
 * Reads the directory of a corp and appends what the log does not know yet as ordinary changes, marked `reconcile`. Their
 * time is the second before the reading began, so that a callback about anything later wins. Holds the ids of the corp in
 * memory and no more. Throws WecomError, DatabaseError, EventLogError, or the reason of the signal; what was appended by
 * then stays, and the next reading finds the rest.
 */
export async function readDirectory(context: SyncContext, request: ReadingRequest): Promise<Reading> {
  const reading: Reading = {
    departments: 0,
    members: 0,
    created: 0,
    updated: 0,
    deleted: 0,
    missing: 0,
    complete: true,
    heldBack: false,
  }
  const work = { context, request, reading, timestamp: Math.floor(Date.now() / 1000) - 1 }
  const departments = await departmentsOf(request)
  const seenDepartments = new Set(departments.map(({ id }) => id))
  await compare(work, 'd', departments, (one) => one.id, departmentDifference)
  reading.departments = departments.length
  const seenMembers = new Set<string>()
  for await (const members of memberPages(work, departments)) {
    const fresh = members.filter(({ userId }) => !seenMembers.has(userId) && seenMembers.add(userId))
    await compare(work, 'm', fresh, (one) => one.userId, memberDifference)
    reading.members = seenMembers.size
  }
  await settleMissing(work, { m: seenMembers, d: seenDepartments })
  return reading
}

type Work = { context: SyncContext; request: ReadingRequest; reading: Reading; timestamp: number }

/** An app that a corp built itself may have the names; a suite gets the ids in their place, by the faster call. */
function departmentsOf({ api, corp, signal }: ReadingRequest): Promise<ListedDepartment[]> {
  return corp.suiteId === '' ? api.departments(signal) : api.departmentIds(signal)
}

async function* memberPages(work: Work, departments: readonly ListedDepartment[]): AsyncGenerator<ListedMember[]> {
  const { directory, api, signal } = work.request
  if (directory === 'departments') yield* membersByDepartment(work, departments)
  if (directory === 'contacts-edit') yield* membersByIds(work)
  if (directory !== 'members') return
  for (let cursor = ''; ; ) {
    const { members, next } = await api.consentedMembers(cursor, signal)
    yield members
    progress(work, undefined)
    if (next === '') return
    cursor = next
  }
}

async function* membersByDepartment(work: Work, departments: readonly ListedDepartment[]): AsyncGenerator<ListedMember[]> {
  let done = 0
  for (const some of inParts(departments, AT_ONCE)) {
    const lists = await Promise.all(some.map(({ id }) => membersOf(work, id)))
    yield lists.flat()
    done += some.length
    progress(work, { done, total: departments.length })
  }
}

/** A department that has gone since has no members any more; one that may not be seen leaves the reading incomplete. */
async function membersOf({ request, reading }: Work, departmentId: string): Promise<ListedMember[]> {
  try {
    return await request.api.membersOf(departmentId, request.signal)
  } catch (error) {
    if (!(error instanceof WecomError)) throw error
    if (error.code === 'WECOM_FORBIDDEN') reading.complete = false
    else if (error.code !== 'WECOM_NOT_FOUND') throw error
    return []
  }
}

/** The list has a row for each department of a member, so nobody is whole before its end. */
async function* membersByIds(work: Work): AsyncGenerator<ListedMember[]> {
  const departments = new Map<string, string[]>()
  for (let cursor = ''; ; ) {
    const { members, next } = await work.request.api.memberIds(cursor, work.request.signal)
    for (const { userId, departments: those } of members)
      departments.set(userId, [...(departments.get(userId) ?? []), ...those])
    if (next === '') break
    cursor = next
  }
  let page: ListedMember[] = []
  for (const [userId, those] of departments) {
    page.push({ userId, departments: those })
    if (page.length < BATCH) continue
    yield page
    page = []
    progress(work, { done: work.reading.members, total: departments.size })
  }
  yield page
}

async function compare<T>(
  work: Work,
  kind: EntryKind,
  listed: readonly T[],
  idOf: (one: T) => string,
  difference: (known: Entry | undefined, one: T) => Difference | undefined,
): Promise<void> {
  const { context, request, reading } = work
  for (const some of inParts(listed, BATCH)) {
    const known = await loadEntries(context.database, request.corp, kind, some.map(idOf))
    const differences = some.flatMap((one) => difference(known.get(idOf(one)), one) ?? [])
    await append(work, differences)
    const created = differences.filter(({ changeType }) => changeType.startsWith('create')).length
    reading.created += created
    reading.updated += differences.length - created
  }
}

/** Deletes what complete lists lack, if that is little or a person said so. */
async function settleMissing(work: Work, seen: Record<EntryKind, ReadonlySet<string>>): Promise<void> {
  const { context, request, reading } = work
  const { corp } = request
  // In the mode in which members consent one by one, departments are none of theirs.
  const kinds: EntryKind[] = request.directory === 'members' ? ['m'] : ['m', 'd']
  const missing = async function* (): AsyncGenerator<Entry[]> {
    for (const kind of kinds)
      for await (const page of livingEntries(context.database, corp, kind))
        yield page.filter(
          ({ id, aliveTime, placeTime }) => !seen[kind].has(id) && Math.max(aliveTime, placeTime) <= work.timestamp,
        )
  }
  for await (const page of missing()) reading.missing += page.length
  if (reading.missing === 0 || !reading.complete) return
  const living = await countLiving(context.database, corp)
  reading.heldBack = request.confirmed !== true && reading.missing > living * MOST_DELETED
  if (reading.heldBack) return
  for await (const page of missing()) {
    await append(work, page.map(deletion))
    reading.deleted += page.length
  }
}

/** A change as a callback would have told it, header included, so that everything that reads one reads the other. */
async function append({ context, request, timestamp }: Work, differences: readonly Difference[]): Promise<void> {
  if (differences.length === 0) return
  request.signal.throwIfAborted()
  const { corp, authorization } = request
  const subject = corpSubject(context.vault, corp, authorization)
  const events = await contactEvents(
    { ...context, source: SOURCE },
    differences.map(({ changeType, fields }) => ({
      corp: { ...corp, subject },
      changeType,
      timestamp,
      origin: 'reconcile',
      receiveId: corp.suiteId === '' ? corp.corpId : corp.suiteId,
      fields: { ...headerOf(corp, timestamp), ChangeType: changeType, ...fields },
    })),
  )
  await context.log.append(CONTACT_TOPIC, events.map(encodeEvent), { signal: request.signal })
}

function headerOf({ suiteId, corpId }: CorpName, timestamp: number): Fields {
  const time = String(timestamp)
  if (suiteId !== '') return { SuiteId: suiteId, AuthCorpId: corpId, InfoType: 'change_contact', TimeStamp: time }
  return { ToUserName: corpId, FromUserName: 'sys', CreateTime: time, MsgType: 'event', Event: 'change_contact' }
}

function progress({ request, reading }: Work, place: { done: number; total: number } | undefined): void {
  const { members, created, updated } = reading
  request.onProgress?.({
    done: place?.done ?? members,
    total: place?.total,
    note: `${members} members, ${created} new, ${updated} changed`,
  })
}
