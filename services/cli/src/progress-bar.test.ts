import { expect } from 'chai'
import { createProgressBar, duration } from './progress-bar.ts'

describe('the progress of long work', () => {
  let time = 0
  let said = ''
  beforeEach(() => {
    time = 0
    said = ''
  })
  const output = (isTTY: boolean) => ({ isTTY, columns: 200, write: (text: string) => (said += text) })
  const bar = (isTTY: boolean) => createProgressBar({ label: 'export', unit: 'events', output: output(isTTY), now: () => time })

  it('is one JSON line a second in a pipe, with the rate of now and what remains', () => {
    const progress = bar(false)
    for (let done = 0; done <= 3_000; done += 10) {
      progress.update({ done, total: 6_000 })
      time += 10
    }
    progress.end()
    const lines = said
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ done }) => done)).to.deep.equal([0, 1_000, 2_000, 3_000, 3_000])
    expect(lines.at(-1)).to.deep.equal({
      label: 'export',
      done: 3_000,
      total: 6_000,
      unit: 'events',
      rate: 1_000,
      remainingSeconds: 3,
    })
  })

  it('is one line on a terminal that is written over, and ends once', () => {
    const progress = bar(true)
    progress.update({ done: 0, total: 4 })
    time += 1_000
    progress.update({ done: 1, total: 4, note: 'partition 3 slowest' })
    progress.end()
    expect(said.match(/\n/g)).to.have.length(1)
    expect(said.split('\r').at(-1)).to.include(
      '[██████··················] 25 % 1 of 4 events, 1/s, 3 s left, partition 3 slowest',
    )
  })

  it('has a line below for each part, all written over, and fewer of them on a low terminal: those with the most to do', () => {
    const parts = [
      { name: 'partition 0', done: 3, total: 4 },
      { name: 'partition 1', done: 0, total: 2 },
    ]
    const show = (rows: number) => {
      said = ''
      const progress = createProgressBar({
        label: 'rebuild',
        unit: 'events',
        output: { ...output(true), rows },
        now: () => time,
      })
      progress.update({ done: 3, total: 6, parts })
      progress.end()
      return said
    }
    const [above, below] = [`[${'█'.repeat(18)}${'·'.repeat(6)}] 75 % 3 of 4 events`, `[${'·'.repeat(24)}] 0 % 0 of 2 events`]
    expect(show(24)).to.include(`\n\r\u001b[K  partition 0 ${above}\n\r\u001b[K  partition 1 ${below}\u001b[J\u001b[2A\r`)
    expect(show(3)).to.include('partition 1').and.not.include('partition 0')
  })

  it('keeps its figures on a narrow terminal: the bar makes room, then what can be done without', () => {
    const show = (columns: number, done: number, total: number) => {
      said = ''
      time = 0
      const progress = createProgressBar({
        ...{ label: 'rebuild orders', unit: 'events', output: { ...output(true), columns }, now: () => time },
      })
      progress.update({ done: 0, total })
      time += 1_000
      progress.update({ done, total })
      progress.end()
      return said.trimEnd().split('\u001b[K').at(-1)?.replace('\u001b[J', '')
    }
    expect(show(60, 1, 4)).to.equal('rebuild orders [██······] 25 % 1 of 4 events, 1/s, 3 s left')
    expect(show(50, 1, 4)).to.equal('rebuild orders 25 % 1 of 4 events, 1/s, 3 s left')
    expect(show(40, 30_000, 2_000_000)).to.equal('rebuild orders 1 % 30,000/s, 1 min 06 s')
  })

  it('is left alone by what is said in between, and goes on below', () => {
    const progress = bar(true)
    const parts = [{ name: 'partition 0', done: 3, total: 4 }]
    progress.update({ done: 3, total: 4, parts })
    progress.say('Session 7 holds a lock.')
    said = ''
    progress.end()
    expect(said).to.match(/^\r/)
  })

  it('says nothing of a share, or of what remains, that nobody knows', () => {
    const progress = bar(false)
    progress.update({ done: 5, total: undefined })
    expect(JSON.parse(said)).to.deep.equal({ label: 'export', done: 5, unit: 'events', rate: 0, remainingSeconds: null })
  })

  it('tells durations as people do', () => {
    expect([12, 185, 3_725].map(duration)).to.deep.equal(['12 s', '3 min 05 s', '1 h 02 min'])
  })
})
