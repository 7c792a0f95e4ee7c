import { hear, hearLife, merge, said } from './facts.ts'
import { type Cutting, cut, cutList, type Fields, numberOf, textOf } from './fields.ts'
import { type Change, type Entry, type Folding, fieldsOf, keepEntry, keepRow, newEntry, nobody, readEntry } from './folding.ts'
import { giveUpPlaces, showPlaces, takePlaces } from './places.ts'

/** Fields of which the newest is kept; Department has a rule of its own. */
const KEPT = [
  'OpenUserID',
  'MainDepartment',
  'IsLeaderInDept',
  'DirectLeader',
  'Mobile',
  'Position',
  'Gender',
  'Email',
  'BizMail',
  'Alias',
  'Telephone',
  'Status',
  'Address',
] as const

/** A member came, changed, took a new id, or left. */
export function changeMember(folding: Folding, event: Change): void {
  const { changeType, timestamp, newMember } = event.data
  const entry = newMember ? renamed(folding, event, newMember) : entryFor(folding, event)
  const { facts } = entry
  const fields = fieldsOf(event)
  hearLife(facts, changeType !== 'delete_user', timestamp)
  if (fields) {
    learnId(entry, event, fields)
    for (const field of KEPT) {
      const text = textOf(fields, field)
      if (text !== undefined && !isMasked(event, field, text)) hear(facts, field, text, timestamp)
    }
    learnName(entry, fields, timestamp)
  }
  if (changeType !== 'delete_user') takePlaces(folding, entry, event)
  showMember(folding, entry)
}

/** A reading of the directory gives 0 for a gender that it may not tell. */
const isMasked = ({ data }: Change, field: string, text: string): boolean =>
  data.origin === 'reconcile' && field === 'Gender' && text === '0'

/** The id counts of whatever event named it first; later only a new id changes it. */
function learnId(entry: Entry, { data }: Change, fields: Fields): void {
  const { facts } = entry
  const newId = data.newMember === entry.entry ? textOf(fields, 'NewUserID') : undefined
  if (newId) facts.id = newId
  else if (facts.id === undefined && data.member === entry.entry) facts.id = textOf(fields, 'UserID') ?? ''
}

/** WeCom gives the id in the place of a name that it does not tell: that is kept apart and never hides a name. */
function learnName({ facts }: Entry, fields: Fields, time: number): void {
  const name = textOf(fields, 'Name')
  if (name === undefined || name === '') return
  hear(facts, name === textOf(fields, 'UserID') ? 'Placeholder' : 'Name', name, time)
}

/**
 * The entry that an event is about. Once a member has a new id, its old one leads to it as well, unless that was given to
 * somebody else since.
 */
function entryFor({ ledger, names }: Folding, { data }: Change): Entry {
  const pseudonym = data.member ?? ''
  const [row] = ledger.where(names.entry, 'entry', pseudonym)
  if (row) return readEntry(row)
  const [old] = ledger
    .where(names.entry, 'former', pseudonym)
    .map(readEntry)
    .sort((one, other) => (other.facts.renamedTime ?? 0) - (one.facts.renamedTime ?? 0))
  const isNew = data.changeType === 'create_user' && data.timestamp > (old?.facts.renamedTime ?? 0)
  return old && !isNew ? old : newEntry(data.rowIds.member, pseudonym)
}

function renamed(folding: Folding, event: Change, newMember: string): Entry {
  const { ledger, names } = folding
  const { member, timestamp } = event.data
  const [later] = ledger.where(names.entry, 'entry', newMember).map(readEntry)
  const entry = entryFor(folding, event)
  if (later?.id === entry.id || entry.entry !== member) return entry
  const isKnown = ledger.row(names.entry, entry.id) !== undefined
  if (later && !isKnown) {
    later.former = member
    later.facts.renamedTime = timestamp
    return later
  }
  if (later) {
    merge(entry.facts, later.facts)
    if (later.facts.id !== undefined) entry.facts.id = later.facts.id
  }
  entry.former = member
  entry.entry = newMember
  entry.facts.renamedTime = timestamp
  if (later) retire(folding, entry, later)
  return entry
}

const JOINED = 'joined '

/** The id of the entry that one of this name went over to, if it did. */
export const joinedTo = (name: string): number | undefined =>
  name.startsWith(JOINED) ? Number(name.slice(JOINED.length)) : undefined

/** Two rows turn out to be one member: the older id stays, the other row is deleted, and its places go over. */
function retire(folding: Folding, entry: Entry, later: Entry): void {
  keepEntry(folding, entry, false)
  giveUpPlaces(folding, later, entry)
  later.entry = `${JOINED}${entry.id}`
  later.former = null
  later.facts.alive = false
  showMember(folding, later)
}

/** Writes what a member's rows show now. */
export function showMember(folding: Folding, entry: Entry): void {
  const { facts, id } = entry
  const cutting: Cutting = { table: folding.names.member, remarks: folding.remarks }
  const isKnown = facts.id !== undefined
  const alive = facts.alive && isKnown
  const name = isKnown ? cut(cutting, 'name', nameOf(entry), 64) : ''
  const userId = facts.id === undefined ? nobody(id) : cut(cutting, 'user_id', facts.id, 64)
  keepEntry(folding, entry, isKnown && said(facts, 'Name') === undefined)
  keepRow(folding, folding.names.member, { id, user_id: userId, name, ...valuesOf(entry, cutting) }, alive)
  showPlaces(folding, entry, { userId: isKnown ? userId : undefined, name, alive })
}

const nameOf = ({ facts }: Entry): string =>
  said(facts, 'Name') ?? said(facts, 'Placeholder') ?? (said(facts, 'OpenUserID') || undefined) ?? facts.id ?? ''

function valuesOf({ facts }: Entry, cutting: Cutting) {
  const text = (column: string, field: string, limit: number) => {
    const known = said(facts, field)
    return known === undefined ? null : cut(cutting, column, known, limit)
  }
  const leaders = said(facts, 'DirectLeader')
  const gender = numberOf(said(facts, 'Gender'))
  return {
    alias: text('alias', 'Alias', 64),
    mobile: text('mobile', 'Mobile', 20),
    position: text('position', 'Position', 128),
    gender: gender !== undefined && gender <= 2 ? gender : null,
    email: text('email', 'Email', 64),
    biz_mail: text('biz_mail', 'BizMail', 64),
    telephone: text('telephone', 'Telephone', 32),
    direct_leader: leaders === undefined ? null : cutList(cutting, 'direct_leader', leaders, 512),
    enable: isEnabled(said(facts, 'Status')) ? 1 : 0,
    avatar_mediaid: null,
    address: text('address', 'Address', 128),
    main_department: numberOf(said(facts, 'MainDepartment')) ?? null,
    to_invite: 1,
    external_position: null,
  }
}

/** 2 is disabled, 5 has left (W90639). */
const isEnabled = (status: string | undefined): boolean => status !== '2' && status !== '5'
