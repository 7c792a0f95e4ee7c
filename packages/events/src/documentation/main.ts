import { writeOrCheck } from './generated.ts'
import { eventsPage } from './page.ts'

// Writes docs/events.md from the schemas; with --check, fails instead when the file says anything else.
const url = new URL('../../../../docs/events.md', import.meta.url)
await writeOrCheck([{ name: 'docs/events.md', url, text: eventsPage() }], process.argv)
