import type { Row } from '@tributary/projection'
import { listOf, numberOf, textOf } from './fields.ts'
import { type Change, type Entry, type Folding, fieldsOf, keepRow, nobody, readEntry } from './folding.ts'

/**
 * That a member is, or was, in a department: one row for ever. It stands while the member's newest list has the department
 * and no deletion of the department is newer than that list.
 */
type Place = Row & { id: number; listed: number; listed_time: number; gone_time: number | null }

const placesOf = ({ ledger, names }: Folding, { id }: { id: number }): Place[] =>
  ledger.where(names.place, 'entry_id', id) as Place[]

/** Takes the list of departments of a change, which is whole or absent. */
export function takePlaces(folding: Folding, entry: Entry, event: Change): void {
  const { rowIds, timestamp } = event.data
  const { facts } = entry
  const fields = fieldsOf(event)
  const listed = Object.keys(rowIds.pairs)
  const isTold = fields ? textOf(fields, 'Department') !== undefined : listed.length > 0
  if (!isTold) return
  const isNewest = timestamp >= facts.placesTime
  if (isNewest) {
    facts.places = listed
    facts.placesTime = timestamp
  }
  const numbers = listOf(fields && textOf(fields, 'Department'))
  const known = new Map(placesOf(folding, entry).map((place) => [place['department'], place]))
  for (const [index, department] of listed.entries()) {
    const number = numberOf(numbers[index]) ?? 0
    const place = known.get(department)
    if (!place) addPlace(folding, entry, { id: rowIds.pairs[department] ?? 0, department, number })
    else if (place['dept_id'] === 0 && number > 0) folding.ledger.put(folding.names.place, { ...place, dept_id: number })
  }
  if (!isNewest) return
  for (const place of placesOf(folding, entry)) folding.ledger.put(folding.names.place, listedAgain(place, entry))
}

function listedAgain(place: Place, { facts }: Entry): Place {
  const listed = facts.places.includes(String(place['department']))
  const isRevived = listed && place.gone_time !== null && facts.placesTime >= place.gone_time
  return {
    ...place,
    listed: listed ? 1 : 0,
    listed_time: facts.placesTime,
    gone_time: isRevived ? null : place.gone_time,
  }
}

function addPlace(
  folding: Folding,
  entry: Entry,
  { id, department, number }: { id: number; department: string; number: number },
) {
  const { ledger, names } = folding
  const [row] = ledger.where(names.entry, 'entry', department)
  const deletedTime = row ? (readEntry(row).facts.deletedTime ?? -1) : -1
  const { places, placesTime } = entry.facts
  ledger.put(names.place, {
    id,
    entry_id: entry.id,
    department,
    dept_id: number,
    listed: places.includes(department) ? 1 : 0,
    listed_time: placesTime,
    gone_time: placesTime < deletedTime ? deletedTime : null,
  })
}

/** Writes what the rows of a member's places show now; without a user id nothing is known any more. */
export function showPlaces(
  folding: Folding,
  entry: Entry,
  member: { userId: string | undefined; name: string; alive: boolean },
): void {
  for (const place of placesOf(folding, entry)) {
    const stands = member.alive && place.listed === 1 && place.gone_time === null && place['dept_id'] !== 0
    const { id } = place
    const user_id = member.userId !== undefined && place['dept_id'] !== 0 ? member.userId : nobody(id)
    keepRow(folding, folding.names.pair, { id, user_id, name: member.name, dept_id: place['dept_id'] ?? 0 }, stands)
  }
}

/** A department is deleted: whoever was said to be in it before is in it no more. */
export function endPlaces(folding: Folding, department: string, timestamp: number): void {
  const { ledger, names } = folding
  for (const place of ledger.where(names.place, 'department', department) as Place[]) {
    if (timestamp < place.listed_time) continue
    ledger.put(names.place, { ...place, gone_time: Math.max(timestamp, place.gone_time ?? 0) })
    const pair = ledger.row(names.pair, place.id)
    if (pair) keepRow(folding, names.pair, { ...pair, id: place.id }, false)
  }
}

/**
 * The places of one entry go over to another. Where both have one in the same department they change sides, because the
 * row with the member's present id must be the one that lives: the table allows it once.
 */
export function giveUpPlaces(folding: Folding, from: Entry, to: Entry): void {
  const { ledger, names } = folding
  const kept = new Map(placesOf(folding, to).map((place) => [place['department'], place]))
  for (const place of placesOf(folding, from)) {
    const double = kept.get(place['department'] ?? null)
    ledger.put(names.place, { ...place, entry_id: to.id })
    if (!double) continue
    const lost = ledger.row(names.pair, double.id)
    ledger.put(names.place, { ...double, entry_id: from.id, dept_id: 0, listed: 0 })
    if (lost) keepRow(folding, names.pair, { ...lost, id: double.id, user_id: nobody(double.id) }, false)
  }
  for (const place of placesOf(folding, to)) ledger.put(names.place, listedAgain(place, to))
}
