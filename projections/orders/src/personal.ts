import type { PersonalPart } from '@tributary/events'
import { cutToBytes, type DraftRow } from '@tributary/projection/folding'
import { type Draft, noteCut, setText } from './draft.ts'
import { ORIGINAL_LIMIT, ORIGINAL_TABLE, type OrderTextColumn } from './tables.ts'

type Source = readonly [column: OrderTextColumn, read: (personal: PersonalPart) => string | undefined]

const BUYER: readonly Source[] = [
  ['buyer_id', ({ buyer }) => buyer.id],
  ['buyer_remark', ({ buyer }) => buyer.remark],
  ['buyer_name', ({ buyer }) => buyer.name],
  ['buyer_phone', ({ buyer }) => buyer.phone],
  ['buyer_email', ({ buyer }) => buyer.email],
  ['buyer_tax_id', ({ buyer }) => buyer.taxId],
  ['buyer_tax_type', ({ buyer }) => buyer.taxType],
  ['buyer_company_name', ({ buyer }) => buyer.companyName],
]

const ADDRESS: readonly Source[] = [
  ['receiver_address_line1', ({ receiver }) => receiver.addressLine1],
  ['receiver_address_line2', ({ receiver }) => receiver.addressLine2],
  ['receiver_address_detail', ({ receiver }) => receiver.addressDetail],
  ['receiver_city', ({ receiver }) => receiver.city],
  ['receiver_country_code', ({ receiver }) => receiver.countryCode],
  ['receiver_province', ({ receiver }) => receiver.province],
  ['receiver_postal_code', ({ receiver }) => receiver.postalCode],
]

const PERSONAL_COLUMNS = [...BUYER, ...ADDRESS].map(([column]) => column)

/**
 * Merges what a snapshot of source time `time` says about people. Each column keeps the newest value that any snapshot
 * knows; one that is absent erases nothing. Only an address with a street is one value: it replaces the address as a
 * whole, since a new first line above an old second one would send a parcel to neither.
 */
export const mergePersonal = (draft: Draft, personal: PersonalPart, time: number): void => {
  for (const [column, read] of BUYER) mergeText(draft, column, read(personal), time)
  const { facts } = draft
  if (!hasStreet(personal)) {
    if (facts.address < 0) for (const [column, read] of ADDRESS) mergeText(draft, column, read(personal), time)
    return
  }
  if (time < facts.address) return
  facts.address = time
  for (const [column, read] of ADDRESS) {
    setText(draft, column, read(personal) ?? '')
    delete facts.older[column]
  }
}

const hasStreet = ({ receiver }: PersonalPart): boolean =>
  receiver.addressLine1 !== undefined || receiver.addressLine2 !== undefined

const mergeText = (draft: Draft, column: OrderTextColumn, text: string | undefined, time: number): void => {
  const known = draft.row[column] !== ''
  if (mayReplace(draft, column, text !== undefined, known, time) && text !== undefined) setText(draft, column, text)
}

/** Puts the raw order into the row that keeps it, a copy to change. Every snapshot has one, so the newest has the last word. */
export const mergeOriginal = (draft: Draft, row: DraftRow, original: string, time: number): void => {
  if (time < draft.facts.newest) return
  const wellFormed = original.toWellFormed()
  const kept = cutToBytes(wellFormed, ORIGINAL_LIMIT)
  row['original'] = kept
  noteCut(draft, ORIGINAL_TABLE, 'original', kept.length < wellFormed.length ? `longer than ${ORIGINAL_LIMIT} bytes` : null)
}

/**
 * Whether a value of source time `time` belongs in its column, noting in the facts how old the column's value then is.
 * `given` says that the snapshot has a value at all, `known` that the column has one.
 */
const mayReplace = ({ facts }: Draft, column: string, given: boolean, known: boolean, time: number): boolean => {
  const { older, newest } = facts
  if (time >= newest) {
    if (given) delete older[column]
    else if (known && time > newest) older[column] ??= newest
    return given
  }
  if (!given || (known && time < (older[column] ?? newest))) return false
  older[column] = time
  return true
}

/** Blanks everything about people, for good: `original` is a copy of its row to change, when there is one. */
export const erasePersonal = ({ row, facts }: Draft, original: DraftRow | undefined): void => {
  facts.address = -1
  for (const column of PERSONAL_COLUMNS) {
    row[column] = ''
    delete facts.older[column]
    facts.cut.delete(column)
  }
  if (original === undefined) return
  original['original'] = null
  facts.cut.delete('original')
}
