import { type Facts, hear, hearLife, said } from './facts.ts'
import { type Cutting, cut, type Fields, numberOf, textOf } from './fields.ts'
import { type Change, type Entry, type Folding, fieldsOf, keepEntry, keepRow, newEntry, readEntry } from './folding.ts'
import { endPlaces } from './places.ts'

/** A department came, changed, or was deleted. A parent that nobody has told of yet is no reason to wait. */
export function changeDepartment(folding: Folding, event: Change): void {
  const { department, changeType, timestamp, rowIds } = event.data
  const pseudonym = department ?? ''
  const [row] = folding.ledger.where(folding.names.entry, 'entry', pseudonym)
  const entry = row ? readEntry(row) : newEntry(rowIds.department, pseudonym)
  const { facts } = entry
  const fields = fieldsOf(event)
  hearLife(facts, changeType !== 'delete_party', timestamp)
  if (fields) learn(facts, fields, timestamp)
  if (changeType === 'delete_party') {
    facts.deletedTime = Math.max(timestamp, facts.deletedTime ?? 0)
    endPlaces(folding, pseudonym, timestamp)
  }
  showDepartment(folding, entry)
}

function learn(facts: Facts, fields: Fields, time: number): void {
  facts.id ??= textOf(fields, 'Id') ?? ''
  const name = textOf(fields, 'Name')
  if (name) hear(facts, name === facts.id ? 'Placeholder' : 'Name', name, time)
  for (const field of ['ParentId', 'NameEn']) {
    const text = textOf(fields, field)
    if (text !== undefined) hear(facts, field, text, time)
  }
}

/** Writes what a department's row shows now. */
export function showDepartment(folding: Folding, entry: Entry): void {
  const { facts, id } = entry
  const cutting: Cutting = { table: folding.names.department, remarks: folding.remarks }
  const isKnown = facts.id !== undefined
  const english = said(facts, 'NameEn')
  keepEntry(folding, entry, isKnown && said(facts, 'Name') === undefined)
  const values = {
    id,
    dept_id: numberOf(facts.id) ?? 0,
    name: isKnown ? cut(cutting, 'name', said(facts, 'Name') ?? facts.id ?? '', 64) : '',
    name_en: english === undefined ? null : cut(cutting, 'name_en', english, 64),
    parent_id: numberOf(said(facts, 'ParentId')) ?? null,
  }
  keepRow(folding, folding.names.department, values, facts.alive && isKnown)
}
