import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { ChannelError } from '../port.ts'
import { failureOf } from '../testing/failure-of.ts'
import { createPublicKeys, type FetchKey } from './public-keys.ts'

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const KEY = {
  key: publicKey.export({ type: 'spki', format: 'pem' }).toString().replaceAll('\n', ''),
  algorithm: 'ECDSA',
  digest: 'SHA1',
}
const MINUTE = 60_000

/** A store over a directory of keys, a clock to move, and the ids that were asked about. */
function createStore(directory: FetchKey = async (kid) => (kid.startsWith('real') ? KEY : null)) {
  const asked: string[] = []
  const time = { now: 1_000_000_000 }
  const store = createPublicKeys({
    clock: () => time.now,
    fetchKey: async (kid) => {
      asked.push(kid)
      return await directory(kid)
    },
  })
  const find = async (kid: string, signal = new AbortController().signal) => (await store.find(kid, signal)).kind
  return { find, store, asked, time }
}

describe('The public keys of eBay', () => {
  it('are asked for once by everybody who needs the same one', async () => {
    const { find, asked } = createStore()
    const kinds = await Promise.all(Array.from({ length: 50 }, () => find('real-1')))
    expect(new Set(kinds)).to.deep.equal(new Set(['key']))
    expect(asked).to.deep.equal(['real-1'])
  })

  it('are good for an hour, then asked for again whatever else was asked', async () => {
    const { find, asked, time } = createStore()
    await find('real-1')
    time.now += 60 * MINUTE - 1
    expect(await find('real-1')).to.equal('key')
    await find('bogus')
    time.now += 1
    expect(await find('real-1')).to.equal('key')
    expect(asked).to.deep.equal(['real-1', 'bogus', 'real-1'])
  })

  it('cost one question a minute however many ids are invented, and lose no real one', async () => {
    const { find, asked, time } = createStore()
    for (let second = 0; second < 600; second += 1) {
      await Promise.all([find(`bogus-${second}-a`), find(`bogus-${second}-b`)])
      time.now += 1000
    }
    expect(asked).to.have.length(10)
    expect(await find('real-2')).to.equal('key')
    expect(await find('bogus')).to.equal('postponed')
    expect(await find('real-3')).to.equal('postponed')
    time.now += MINUTE
    expect(await find('real-3')).to.equal('key')
  })

  it('are remembered as unknown for ten minutes', async () => {
    const { find, asked, time } = createStore()
    expect(await find('bogus')).to.equal('unknown')
    time.now += 10 * MINUTE - 1
    expect(await find('bogus')).to.equal('unknown')
    expect(asked).to.have.length(1)
    time.now += 1
    await find('bogus')
    expect(asked).to.have.length(2)
  })

  it('are forgotten when eBay withdraws them', async () => {
    let withdrawn = false
    const { find, time } = createStore(async () => (withdrawn ? null : KEY))
    expect(await find('real-1')).to.equal('key')
    withdrawn = true
    time.now += 60 * MINUTE
    expect(await find('real-1')).to.equal('unknown')
  })

  it('are not unknown because eBay could not be asked: the failure goes up, and it is tried again after ten seconds', async () => {
    const down = new ChannelError('CHANNEL_UNAVAILABLE', 'down', { remedy: 'retry' })
    let works = false
    const { find, asked, time } = createStore(async () => {
      if (!works) throw down
      return KEY
    })
    expect(await failureOf(find('real-1'))).to.equal(down)
    expect(await find('real-1')).to.equal('postponed')
    works = true
    time.now += 9_999
    expect(await find('real-1')).to.equal('postponed')
    time.now += 1
    expect(await find('real-1')).to.equal('key')
    expect(asked).to.have.length(2)
  })

  it('are used only as ECDSA with SHA1 or SHA256, as eBay says and not as the sender says', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const answers = [
      { ...KEY, algorithm: 'RSA' },
      { ...KEY, digest: 'MD5' },
      { ...KEY, key: 'no key' },
      { ...KEY, key: rsa },
    ]
    for (const answer of answers) {
      const failure = await failureOf(createStore(async () => answer).find('real-1'))
      expect(failure).to.include({ code: 'CHANNEL_ANSWER_UNREADABLE', retriable: true })
    }
    expect(await createStore(async () => ({ ...KEY, digest: 'SHA256' })).find('real-1')).to.equal('key')
  })

  it('keep coming for the others when one caller gives up', async () => {
    let answer: (key: typeof KEY) => void = () => {}
    const { find } = createStore(() => new Promise((resolve) => (answer = resolve)))
    const caller = new AbortController()
    const first = failureOf(find('real-1', caller.signal))
    const second = find('real-1')
    caller.abort(new Error('gone'))
    expect(await first).to.have.property('message', 'gone')
    answer(KEY)
    expect(await second).to.equal('key')
  })
})
