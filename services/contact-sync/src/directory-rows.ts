import { type Connection, type CorpName, upsert } from '@tributary/database'
import { inParts } from '@tributary/runtime'

export type EntryKind = 'm' | 'd'

/** What the log says of a member or a department. Times are seconds; what is older than one changes nothing. */
export type Entry = {
  kind: EntryKind
  id: string
  alive: boolean
  aliveTime: number
  /** Null while nobody gave one. */
  name: string | null
  nameTime: number
  /** Departments of a member, as `placeOf` writes them; parent of a department. */
  place: string | null
  placeTime: number
}

type EntryRow = {
  kind: EntryKind
  entry_id: string
  alive: number
  alive_time: number
  name: string | null
  name_time: number
  place: string | null
  place_time: number
}

const COLUMNS = 'kind, entry_id, alive, alive_time, name, name_time, place, place_time'
const OF_CORP = 'customer = ? AND suite_id = ? AND corp_id = ?'
const nameOf = ({ customer, suiteId, corpId }: CorpName): [string, string, string] => [customer, suiteId, corpId]
const MOST_IDS = 1_000

/** The entries of a corp with these ids; those that nobody has heard of are absent. */
export async function loadEntries(
  connection: Connection,
  corp: CorpName,
  kind: EntryKind,
  ids: readonly string[],
): Promise<Map<string, Entry>> {
  const found = new Map<string, Entry>()
  for (const some of inParts(ids, MOST_IDS)) {
    const rows = await connection.query<EntryRow[]>(
      `SELECT ${COLUMNS} FROM tributary_wework_directory WHERE ${OF_CORP} AND kind = ? AND entry_id IN (?)`,
      [...nameOf(corp), kind, some],
    )
    for (const row of rows) found.set(row.entry_id, entryOf(row))
  }
  return found
}

/** The living entries of a corp in pages, by id. */
export async function* livingEntries(connection: Connection, corp: CorpName, kind: EntryKind): AsyncGenerator<Entry[]> {
  for (let last = ''; ; ) {
    const rows = await connection.query<EntryRow[]>(
      `SELECT ${COLUMNS} FROM tributary_wework_directory WHERE ${OF_CORP} AND kind = ? AND entry_id > ? AND alive = 1
       ORDER BY entry_id LIMIT ?`,
      [...nameOf(corp), kind, last, MOST_IDS],
    )
    if (rows.length === 0) return
    yield rows.map(entryOf)
    last = rows.at(-1)?.entry_id ?? last
  }
}

/** How many members and departments of a corp live. */
export async function countLiving(connection: Connection, corp: CorpName): Promise<number> {
  const [row] = await connection.query<{ living: number }[]>(
    `SELECT COUNT(*) AS living FROM tributary_wework_directory WHERE ${OF_CORP} AND alive = 1`,
    nameOf(corp),
  )
  return row?.living ?? 0
}

export async function writeEntries(
  connection: Connection,
  entries: readonly { corp: CorpName; entry: Entry }[],
): Promise<void> {
  await upsert(
    connection,
    {
      table: 'tributary_wework_directory',
      primaryKey: ['customer', 'suite_id', 'corp_id', 'kind', 'entry_id'],
      columns: ['customer', 'suite_id', 'corp_id', ...COLUMNS.split(', ')],
    },
    entries.map(({ corp, entry }) => [
      ...nameOf(corp),
      entry.kind,
      entry.id,
      entry.alive ? 1 : 0,
      entry.aliveTime,
      entry.name,
      entry.nameTime,
      entry.place,
      entry.placeTime,
    ]),
  )
}

/** Forgets all that is known of a corp. */
export async function clearEntries(connection: Connection, corp: CorpName): Promise<void> {
  await connection.query(`DELETE FROM tributary_wework_directory WHERE ${OF_CORP}`, nameOf(corp))
}

/** Departments in one order, so that equal lists are equal texts. */
export const placeOf = (departments: readonly string[]): string =>
  [...new Set(departments)].sort((one, other) => one.length - other.length || (one < other ? -1 : 1)).join(',')

function entryOf(row: EntryRow): Entry {
  return {
    kind: row.kind,
    id: row.entry_id,
    alive: row.alive === 1,
    aliveTime: row.alive_time,
    name: row.name,
    nameTime: row.name_time,
    place: row.place,
    placeTime: row.place_time,
  }
}
