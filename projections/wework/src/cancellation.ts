import type { EventData } from '@tributary/events'
import { showDepartment } from './departments.ts'
import { noFacts } from './facts.ts'
import { type Folding, readEntry } from './folding.ts'
import { showMember } from './members.ts'

/**
 * The corp took its consent back: of every row at hand nothing is left but its ids and times. Made again from the log,
 * where the same events no longer open, the rows come out the same: all of them end with this event's time.
 */
export function forgetAll(folding: Folding, { timestamp }: EventData<'CorpDeauthorized'>): void {
  const { ledger, names } = folding
  for (const row of [...ledger.rows(names.entry)]) {
    const entry = readEntry(row)
    const { renamedTime } = entry.facts
    entry.facts = {
      ...noFacts(),
      aliveTime: timestamp,
      placesTime: timestamp,
      ...(renamedTime === undefined ? {} : { renamedTime }),
    }
    for (const place of ledger.where(names.place, 'entry_id', entry.id))
      ledger.put(names.place, { ...place, dept_id: 0, listed: 0, listed_time: timestamp, gone_time: null })
    if (ledger.row(names.department, entry.id)) showDepartment(folding, entry)
    else showMember(folding, entry)
    touch(folding, entry.id)
  }
}

function touch({ ledger, names, time }: Folding, id: number): void {
  const stamp = (table: string, rowId: number) => {
    const row = ledger.row(table, rowId)
    if (row) ledger.put(table, { ...row, update_time: time })
  }
  stamp(names.member, id)
  stamp(names.department, id)
  for (const place of ledger.where(names.place, 'entry_id', id)) stamp(names.pair, Number(place['id']))
}
