import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openSpoolFile, type SetAside, type SpoolFigures } from './spool-file.ts'

/** A spool as commands see it, beside the process that fills and drains it. Throws SpoolError. */
export type SpoolLook = { figures: SpoolFigures; setAside: SetAside[] }

export const lookAtSpool = (folder: string): SpoolLook =>
  opened(folder, (file) => ({ figures: file.figures(), setAside: file.listSetAside() })) ?? {
    figures: { waiting: 0, bytes: 0, oldestTime: null, setAside: 0 },
    setAside: [],
  }

/** Has entries that were set aside tried again; every one unless `id` names one. Answers how many. Throws SpoolError. */
export const retrySpool = (folder: string, id?: number): number => opened(folder, (file) => file.retry(id)) ?? 0

/** Looking must make nothing: undefined where no process ever had a spool. */
function opened<T>(folder: string, work: (file: ReturnType<typeof openSpoolFile>) => T): T | undefined {
  if (!existsSync(join(folder, 'spool.sqlite'))) return undefined
  const file = openSpoolFile(folder)
  try {
    return work(file)
  } finally {
    file.close()
  }
}
