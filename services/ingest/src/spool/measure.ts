import { gauge, type Reading } from '@tributary/runtime'
import type { SpoolFigures } from './spool-file.ts'

const entries = gauge({
  name: 'tributary_ingest_spool_entries',
  help: 'What was received and is on the disk of ingest: waiting for the log, or set aside until a person acts.',
  labels: ['state'],
})
const bytes = gauge({ name: 'tributary_ingest_spool_bytes', help: 'Bytes of what waits in the spool.' })
const oldest = gauge({
  name: 'tributary_ingest_spool_oldest_seconds',
  help: 'How long the oldest of what waits in the spool has waited.',
})

/** What a scrape tells of a spool. */
export function spoolReadings(figures: SpoolFigures): Reading[] {
  return [
    entries.reading(figures.waiting, { state: 'waiting' }),
    entries.reading(figures.setAside, { state: 'set-aside' }),
    bytes.reading(figures.bytes, {}),
    oldest.reading(figures.oldestTime === null ? 0 : Math.max(0, (Date.now() - figures.oldestTime) / 1_000), {}),
  ]
}
