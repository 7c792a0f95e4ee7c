import { expect } from 'chai'
import { cached, orLast } from './cached.ts'

describe('a cached value', () => {
  it('is loaded once for all who ask while it loads and while it is fresh', async () => {
    let loads = 0
    const value = cached(60_000, async () => ++loads)
    expect(await Promise.all([value(), value(), value()])).to.deep.equal([1, 1, 1])
    expect(await value()).to.equal(1)
  })

  it('is loaded again when it is too old', async () => {
    let loads = 0
    const value = cached(5, async () => ++loads)
    const first = await value()
    while ((await value()) === first) await new Promise((resolve) => setImmediate(resolve))
    expect(loads).to.equal(2)
  })

  it('is not kept when loading failed, and those who waited all hear of it', async () => {
    let loads = 0
    const value = cached(60_000, async () => {
      loads += 1
      if (loads === 1) throw new Error('down')
      return loads
    })
    const outcomes = await Promise.allSettled([value(), value()])
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
    expect(await value()).to.equal(2)
  })
})

describe('a value that may be an old one', () => {
  it('is the newest while loading works', async () => {
    let loads = 0
    const value = orLast(1_000, async () => ++loads)
    expect([await value(), await value()]).to.deep.equal([1, 2])
  })

  it('is the last one when loading fails or takes too long, and what came late the next time', async () => {
    let outcome: () => Promise<string> = async () => 'first'
    const value = orLast(5, () => outcome())
    await value()
    outcome = async () => Promise.reject(new Error('down'))
    expect(await value()).to.equal('first')
    const { promise, resolve } = Promise.withResolvers<string>()
    outcome = () => promise
    expect(await value()).to.equal('first')
    resolve('late')
    await promise
    outcome = async () => Promise.reject(new Error('down'))
    expect(await value()).to.equal('late')
  })

  it('is the one that was known before, when the first loading fails', async () => {
    const value = orLast(1_000, async () => Promise.reject(new Error('down')), 'known')
    expect(await value()).to.equal('known')
  })

  it('is waited for at first, and its failure told', async () => {
    const value = orLast(1, async () => Promise.reject(new Error('down')))
    expect(await value().catch((error: Error) => error.message)).to.equal('down')
  })
})
