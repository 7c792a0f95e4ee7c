import type { CorpName } from '@tributary/database'
import type { Settings } from '@tributary/vault'
import type { IngestContext } from '../context.ts'

/** What taking in callbacks of WeCom uses of the platform. */
export type WeworkContext = Pick<IngestContext, 'database' | 'log' | 'vault' | 'rowIds' | 'logger'> & {
  settings: Settings
  /** The number of the present authorization of a corp, as `findCorp` gives it; perhaps a second old. */
  authorizationOf(corp: CorpName): Promise<number>
}

/** Signed callbacks that could not be read: a wrong key, or a fault of ours. */
export type Unreadable = { count: number; lastTime: number | null }
