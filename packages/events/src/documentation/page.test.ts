import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { CATALOGUE } from '../catalogue.ts'
import { PersonalPartSchema } from '../normal-order.ts'
import { fieldsOf, type Schema } from './fields.ts'
import { eventsPage } from './page.ts'

const events = fileURLToPath(new URL('../..', import.meta.url))

describe('docs/events.md', () => {
  it('says of every field of every type what it means', () => {
    for (const [type, { schema }] of [
      ...Object.entries(CATALOGUE),
      ['PersonalPart', { schema: PersonalPartSchema }] as const,
    ]) {
      expect((schema as Schema).description ?? type === 'PersonalPart', type).to.be.ok
      for (const { path, description } of fieldsOf(schema as Schema)) expect(description, `${type}.${path}`).not.to.equal('')
    }
  })

  it('has for every type its version, topic, key, fields and an example', () => {
    const page = eventsPage()
    for (const [type, { version, topic, key }] of Object.entries(CATALOGUE)) {
      expect(page).to.include(`## ${type}\n`)
      expect(page).to.include(`Version ${version} · topic \`${topic}\` · key \`${key}\``)
      expect(page).to.include(`"type": "${type}"`)
    }
    expect(page).to.include('| `order.lines[].sku` | text |')
    expect(page).to.include('| `rowIds.lines.*` | whole number |')
    expect(page).to.include('still read: version 1')
  })

  it('is checked: a page that says anything else fails, and writing it anew mends it', () => {
    const root = mkdtempSync(join(tmpdir(), 'tributary-events-page-'))
    try {
      mkdirSync(join(root, 'docs'))
      cpSync(join(events, 'src'), join(root, 'packages/events/src'), { recursive: true })
      cpSync(join(events, 'package.json'), join(root, 'packages/events/package.json'))
      symlinkSync(join(events, 'node_modules'), join(root, 'packages/events/node_modules'))
      const run = (...options: string[]) =>
        spawnSync(process.execPath, [join(root, 'packages/events/src/documentation/main.ts'), ...options], { encoding: 'utf8' })
      writeFileSync(join(root, 'docs/events.md'), '# Events\n')
      const stale = run('--check')
      expect(stale.status).to.equal(1)
      expect(stale.stderr).to.include('npm run format')
      expect(run().status).to.equal(0)
      expect(run('--check')).to.include({ status: 0, stderr: '' })
    } finally {
      rmSync(root, { recursive: true })
    }
  })
})
