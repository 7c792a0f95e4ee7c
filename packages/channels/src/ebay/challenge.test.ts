import { expect } from 'chai'
import { answerChallenge } from './challenge.ts'
import { fixture } from './testing/fixtures.ts'

type Vector = { challengeCode: string; verificationToken: string; endpoint: string; challengeResponse: string; why: string }

const vectors = fixture<Partial<Vector>[]>('challenge-vectors.json').filter(
  (vector): vector is Vector => 'challengeCode' in vector,
)

describe("eBay's ownership challenge", () => {
  for (const { challengeCode, verificationToken, endpoint, challengeResponse, why } of vectors) {
    it(`is answered as computed: ${why}`, () => {
      const query = new URLSearchParams({ challenge_code: challengeCode })
      expect(answerChallenge(query, { verificationToken, endpoint })).to.deep.equal({ challengeResponse })
    })
  }

  it('is none without a code, with an empty one, or with one far too long', () => {
    const options = { verificationToken: 'token', endpoint: 'https://gateway.example/' }
    for (const query of ['', 'challenge_code=', `challenge_code=${'a'.repeat(257)}`, 'Challenge_Code=a'])
      expect(answerChallenge(new URLSearchParams(query), options)).to.equal(null)
  })

  it('names the missing keys while it is not configured', () => {
    const query = new URLSearchParams({ challenge_code: 'a' })
    expect(() => answerChallenge(query, { endpoint: 'https://gateway.example/' })).to.throw(/challenge-verification-token/)
  })
})
