import { expect } from 'chai'
import {
  accessTokenName,
  authorizationCodeName,
  authorizationCodePrefix,
  permanentCodeName,
  suiteTicketName,
  ticketGapName,
} from './setting-names.ts'

const suiteId = 's'.repeat(64)
const corpId = 'c'.repeat(64)
const code = 'h'.repeat(43)
const namesOf = (customer: string) => [
  suiteTicketName({ customer, suiteId }),
  ticketGapName({ customer, suiteId }),
  authorizationCodeName({ customer, suiteId }, code),
  permanentCodeName({ customer, suiteId, corpId }),
  accessTokenName({ customer, suiteId, corpId }),
]

describe('names of settings about WeCom', () => {
  it('fit their column and differ, whatever a customer is called', () => {
    const customers = [
      'keyfil',
      'a:b',
      '客',
      'x'.repeat(100),
      '客'.repeat(12),
      '客'.repeat(13),
      '客'.repeat(99),
      '😀'.repeat(100),
    ]
    const names = customers.flatMap(namesOf)
    expect(new Set(names).size).to.equal(names.length)
    for (const name of names) expect(name.length, name).to.be.at.most(255)
  })

  it('of codes begin with the name by which they are looked for', () => {
    for (let length = 1; length <= 100; length += 1) {
      const suite = { customer: '客'.repeat(length), suiteId }
      expect(authorizationCodeName(suite, code)).to.equal(`${authorizationCodePrefix(suite)}${code}`)
    }
  })

  it('are what they always were where they fit', () => {
    expect(permanentCodeName({ customer: '客户', suiteId: 'ww1', corpId: 'wp1' })).to.equal(
      'wework:permanent:%E5%AE%A2%E6%88%B7:ww1:wp1',
    )
    expect(authorizationCodePrefix({ customer: 'keyfil', suiteId: 'ww1' })).to.equal('wework:code:keyfil:ww1:')
  })
})
