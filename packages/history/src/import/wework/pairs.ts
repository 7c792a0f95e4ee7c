import type { Row } from '@tributary/projection'
import { idOf } from '../source.ts'
import type { WeworkContext } from './contact.ts'
import { MEMBER_TABLE, PAIR_TABLE } from './rows.ts'

/** Says which rows in departments belong to no member, letter by letter; all others came with theirs. */
export async function noteOrphans({ source, book }: WeworkContext, rows: readonly Row[]): Promise<void> {
  const members = await source.query<Row[]>('SELECT user_id FROM ?? WHERE user_id IN (?)', [
    MEMBER_TABLE,
    rows.map((row) => row['user_id']),
  ])
  const known = new Set(members.map((row) => row['user_id']))
  for (const row of rows)
    if (!known.has(row['user_id'] ?? null))
      book.misfit(PAIR_TABLE, idOf(row), 'no member has its user_id, letter by letter; left out')
}
