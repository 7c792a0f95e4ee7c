import type { ContactPart } from '@tributary/events'
import type { Cell, OpenedEvent, Remark, Row } from '@tributary/projection'
import { cutToCodePoints, type DraftRow, newAudit, settle } from '@tributary/projection/folding'
import { type Facts, noFacts, readFacts, said, writeFacts } from './facts.ts'
import type { Ledger } from './ledger.ts'

/** The tables by what they hold, as the database names them. */
export type Names = { entry: string; place: string; member: string; pair: string; department: string }

/** One event at work on the rows of a batch; `time` is its time in milliseconds since 1970. */
export type Folding = { ledger: Ledger; names: Names; remarks: Remark[]; time: number }

export type Change = Extract<OpenedEvent, { type: 'ContactChanged' }>

/** Its fields, or undefined when they were erased: then only what stands outside the seal is known. */
export const fieldsOf = ({ contact }: Change): ContactPart['fields'] | undefined =>
  contact === undefined || contact === 'erased' ? undefined : contact.fields

/** Who a row is about. `former` is the pseudonym of the id that a member had before. */
export type Entry = { id: number; entry: string; former: string | null; facts: Facts }

export const readEntry = (row: Row): Entry => ({
  id: Number(row['id']),
  entry: String(row['entry']),
  former: row['former'] === null ? null : String(row['former']),
  facts: readFacts(row['facts'] ?? null),
})

export const newEntry = (id: number, entry: string): Entry => ({ id, entry, former: null, facts: noFacts() })

/** Keeps an entry. `isPlaceholder` says that its row shows an id in the place of a name. */
export const keepEntry = ({ ledger, names }: Folding, { id, entry, former, facts }: Entry, isPlaceholder: boolean): void =>
  ledger.put(names.entry, {
    id,
    entry,
    former,
    open_user_id: cutToCodePoints(said(facts, 'OpenUserID') ?? '', 1024) || null,
    is_placeholder: isPlaceholder ? 1 : 0,
    facts: writeFacts(facts),
  })

/** Keeps a row of a given table: made by this event, or changed by it when a column differs. */
export function keepRow({ ledger, time }: Folding, table: string, values: Row & { id: number }, alive: boolean): void {
  const before = ledger.row(table, values.id)
  const after: DraftRow = { ...(before ?? newAudit(time)), ...values, deleted: alive ? 0 : values.id }
  ledger.put(table, settle(before, after, time))
}

/** A text that no id of WeCom's can be, for a column that must hold one, different in every row. */
export const nobody = (id: Cell): string => `erased:${id}`
