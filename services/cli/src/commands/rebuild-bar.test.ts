import { expect } from 'chai'
import { createRebuildBar } from './rebuild-bar.ts'

describe('what is shown of a rebuild', () => {
  it('is events while it builds, rows of each table while it compares, and nothing twice', () => {
    let said = ''
    const bar = createRebuildBar('orders', { write: (text) => (said += text) })
    const built = { kind: 'progress' as const, partitions: [{ partition: 0, next: 30, to: 50 }] }
    bar.hear({ kind: 'state', state: 'building', generation: 2 })
    bar.hear(built)
    bar.hear({ kind: 'state', state: 'verifying', generation: 2 })
    for (const done of [0, 5_000])
      bar.hear({
        kind: 'comparing',
        tables: [
          { table: 'eg_order_order', done, total: 8_000 },
          { table: 'eg_order_order_detail', done: 0, total: 10_000 },
        ],
      })
    bar.hear(built)
    bar.end()
    bar.end()
    const lines = said
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ label, unit, done, total }) => [label, unit, done, total])).to.deep.equal([
      ['rebuild orders', 'events', 30, 50],
      ['rebuild orders', 'events', 30, 50],
      ['compare orders', 'rows', 0, 18_000],
      ['compare orders', 'rows', 5_000, 18_000],
    ])
    expect(lines[0].note).to.equal('building, partition 0 has 20 to go')
    expect(lines.at(-1).parts[0]).to.deep.equal({ name: 'eg_order_order', done: 5_000, total: 8_000 })
  })
})
