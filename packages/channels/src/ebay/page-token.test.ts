import { expect } from 'chai'
import fc from 'fast-check'
import { pageAfter, readPageToken, writePageToken } from './page-token.ts'

describe('Paging by offset', () => {
  it('writes and reads its own tokens, and refuses others', () => {
    const token = { offset: 300, limit: 50, total: null }
    expect(readPageToken(writePageToken(token))).to.deep.equal(token)
    expect(readPageToken(writePageToken({ ...token, total: 7 }))).to.deep.equal({ ...token, total: 7 })
    for (const strange of ['', '1', '-1.5.', '1.2.3.4', '0x1.50.'])
      expect(() => readPageToken(strange), strange).to.throw(/page token/)
  })

  it('sees every order that stays in the window, whichever others leave it while we page', () => {
    const moments = fc.array(fc.array(fc.nat(400), { maxLength: 5 }), { maxLength: 60 })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 1, max: 40 }), moments, (size, limit, leavers) => {
        let window = Array.from({ length: size }, (_, order) => order)
        const seen = new Set<number>()
        let page: ReturnType<typeof pageAfter> = { offset: 0, limit, total: null }
        for (let read = 0; page; read += 1) {
          expect(read, 'pages read').to.be.at.most(size * 3 + 5)
          const part = window.slice(page.offset, page.offset + page.limit)
          for (const order of part) seen.add(order)
          const more = page.offset + page.limit < window.length
          page = pageAfter(page, { count: part.length, total: window.length, more })
          const gone = leavers[read] ?? []
          window = window.filter((order) => !gone.includes(order))
        }
        for (const order of window) expect(seen.has(order), `order ${order}`).to.equal(true)
      }),
    )
  })
})
