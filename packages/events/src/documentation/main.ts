import { readFile, writeFile } from 'node:fs/promises'
import { eventsPage } from './page.ts'

// Writes docs/events.md from the schemas; with --check, fails instead when the file says anything else.
const file = new URL('../../../../docs/events.md', import.meta.url)
const page = eventsPage()
if (!process.argv.includes('--check')) {
  await writeFile(file, page)
} else if ((await readFile(file, 'utf8').catch(() => '')) !== page) {
  process.stderr.write('docs/events.md is not what the schemas say. Write it anew with: npm run format\n')
  process.exitCode = 1
}
