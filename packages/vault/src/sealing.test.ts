import { createSecretKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { openJwe, parseJwe } from './jwe.ts'
import { type Sealable, sealAll } from './sealing.ts'

const key = createSecretKey(randomBytes(32))
const page = (name: string, length = 20): Sealable[] =>
  Array.from({ length }, (_, index) => ({
    key,
    header: { kid: 'k', event: `${name} ${index}` },
    plaintext: `${name} ${index}`,
  }))
const openedOf = (jwes: readonly (string | null)[]) => jwes.map((jwe) => jwe && openJwe(key, parseJwe(jwe)))
const textsOf = (items: readonly Sealable[]) => items.map(({ plaintext }) => plaintext)

describe('Sealing many texts', () => {
  it('leaves the event loop to others meanwhile', async () => {
    let isSealed = false
    const sealing = sealAll(page('page')).then(() => {
      isSealed = true
    })
    // What is done here ends within these turns, and what another thread answers comes after them.
    for (let turn = 0; turn < 100; turn += 1) await Promise.resolve()
    expect(isSealed).to.equal(false)
    await sealing
  })

  it('gives each of several calls at a time its own', async () => {
    const pages = [page('one'), page('two', 9), page('three', 40)]
    const sealed = await Promise.all(pages.map(sealAll))
    expect(sealed.map(openedOf)).to.deep.equal(pages.map(textsOf))
  })

  it('tells what cannot be sealed to the call that asked for it, and goes on', async () => {
    const wrong = page('wrong').map((item) => ({ ...item, key: createSecretKey(randomBytes(5)) }))
    const [failed, fine] = await Promise.allSettled([sealAll(wrong), sealAll(page('fine'))])
    expect(failed).to.have.nested.property('reason.name', 'RangeError')
    expect(failed).to.have.nested.property('reason.code', 'ERR_CRYPTO_INVALID_KEYLEN')
    expect(fine.status === 'fulfilled' && openedOf(fine.value)).to.deep.equal(textsOf(page('fine')))
  })

  it('tells everyone who waits that the thread has ended, and seals what comes then in another', async () => {
    // A module of its own, and so a thread of its own: that of others in this process may have started long ago.
    const own: typeof import('./sealing.ts') = await import(`${new URL('sealing.ts', import.meta.url)}?own`)
    const starting = once(process, 'worker') as Promise<[Worker]>
    await own.sealAll(page('before'))
    const [thread] = await starting
    const large = randomBytes(60_000).toString('base64')
    const work = page('large', 500).map((item) => ({ ...item, plaintext: large }))
    const waiting = Promise.allSettled([own.sealAll(work), own.sealAll(page('behind'))])
    await thread.terminate()
    for (const outcome of await waiting) {
      expect(outcome).to.have.nested.property('reason.code', 'VAULT_SEALING_ENDED')
      expect(outcome).to.have.nested.property('reason.retriable', true)
    }
    expect(openedOf(await own.sealAll(page('next')))).to.deep.equal(textsOf(page('next')))
  })
})
