import { expect } from 'chai'
import type { ConsumerFigures, PartitionFigures } from './figures.ts'
import { judge, judgeUnreadable } from './health.ts'

const quiet: PartitionFigures = {
  partition: 0,
  stage: 'reading',
  next: 10,
  lag: 0,
  lagSeconds: 0,
  stalledSeconds: 0,
  parkedKeys: 0,
}
const figures = (...partitions: Partial<PartitionFigures>[]): ConsumerFigures => ({
  lag: 0,
  lagSeconds: 0,
  stalledSeconds: 0,
  rate: 0,
  applied: 0,
  fences: 0,
  lastCommitTime: null,
  parkedKeys: partitions.reduce((sum, one) => sum + (one.parkedKeys ?? 0), 0),
  partitions: partitions.map((one, partition) => ({ ...quiet, partition, ...one })),
})
const verdict = (...partitions: Partial<PartitionFigures>[]) => judge('orders', figures(...partitions)).status

describe('the health of a consumer', () => {
  it('is progress: lag alone is no fault, standing still with lag is', () => {
    expect(verdict({ lag: 100_000, lagSeconds: 3_600 })).to.equal('ok')
    expect(verdict({ lag: 1, stalledSeconds: 30 })).to.equal('ok')
    expect(verdict({ lag: 1, stalledSeconds: 31 })).to.equal('degraded')
    expect(verdict({ lag: 1, stalledSeconds: 120 })).to.equal('degraded')
    expect(verdict({ lag: 1, stalledSeconds: 121 })).to.equal('down')
  })

  it('is that of the partition that does worst', () => {
    expect(verdict({}, { lag: 1, stalledSeconds: 500 }, { lag: 1, stalledSeconds: 40 })).to.equal('down')
  })

  it('is degraded by a parked key', () => {
    expect(verdict({ parkedKeys: 1 })).to.equal('degraded')
  })

  it('is only degraded by a partition that nobody reads: this member does its own job', () => {
    expect(verdict({ stage: 'elsewhere', lag: 1, stalledSeconds: 100 })).to.equal('ok')
    expect(verdict({ stage: 'elsewhere', lag: 1, stalledSeconds: 121 })).to.equal('degraded')
  })

  it('names the partition, the time and the error', () => {
    const { reason } = judge('orders', figures({}, { lag: 7, stalledSeconds: 45, trouble: 'DATABASE_UNAVAILABLE' }))
    expect(reason).to.equal('Partition 1 has stood still for 45 s with 7 events to read (DATABASE_UNAVAILABLE).')
  })

  it('turns to down when the log or the database cannot be read for long', () => {
    expect(judgeUnreadable('orders', 'LOG_UNAVAILABLE', 5).status).to.equal('degraded')
    expect(judgeUnreadable('orders', 'LOG_UNAVAILABLE', 121).status).to.equal('down')
  })
})
