import { randomBytes, randomUUID } from 'node:crypto'
import type { Database } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { openVault, readSealHeader, type Vault, VaultError } from './index.ts'

const masterKey = randomBytes(32)
const event = () => randomUUID()

describe('a vault', () => {
  let database: Database
  let drop: () => Promise<void>
  let vault: Vault
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('vault'))
    vault = await openVault({ database, masterKeys: [masterKey] })
  })
  after(() => drop())

  const anotherProcess = (options: { cacheTtl?: number; masterKeys?: Buffer[] } = {}) =>
    openVault({ database, masterKeys: [masterKey], ...options })
  const someone = () => vault.subject('ebay:user', randomUUID())
  const sealOne = async (
    subject: string,
    plaintext: string,
    options: { holder?: string; by?: Vault; eventId?: string } = {},
  ) => {
    const { by = vault, eventId = event(), holder } = options
    const [outcome] = await by.seal([{ subject, eventId, plaintext, ...(holder ? { holder } : {}) }])
    return { eventId, subject, jwe: outcome?.kind === 'sealed' ? outcome.jwe : `not sealed: ${outcome?.kind}` }
  }
  const opened = (plaintext: string) => ({ kind: 'opened', plaintext })

  describe('names subjects', () => {
    it('by 43 characters that stay the same in every process', async () => {
      const subject = vault.subject('ebay:user', 'some_buyer')
      expect(subject).to.match(/^[A-Za-z0-9_-]{43}$/)
      expect((await anotherProcess()).subject('ebay:user', 'some_buyer')).to.equal(subject)
    })

    it('apart by kind and id', () => {
      const names = [vault.subject('a', 'bc'), vault.subject('ab', 'c'), vault.subject('', 'abc'), vault.subject('1:a', 'bc')]
      expect(new Set(names).size).to.equal(4)
    })
  })

  describe('seals', () => {
    it('many texts of many subjects in one call, each for itself', async () => {
      const [first, second] = [someone(), someone()]
      const items = [first, second, first].map((subject, index) => ({
        subject,
        eventId: event(),
        plaintext: `text ${index} 😀`,
      }))
      const sealed = await vault.seal(items)
      const opens = items.map(({ subject, eventId }, index) => {
        const outcome = sealed[index]
        return { subject, eventId, jwe: outcome?.kind === 'sealed' ? outcome.jwe : '' }
      })
      expect(await vault.open(opens)).to.deep.equal(items.map(({ plaintext }) => opened(plaintext)))
      expect(await (await anotherProcess()).open(opens)).to.deep.equal(items.map(({ plaintext }) => opened(plaintext)))
      expect(await vault.seal([])).to.deep.equal([])
      expect(await vault.open([])).to.deep.equal([])
    })

    it('a page of texts in a thread, each for itself, and leaves out who was erased', async () => {
      const items = Array.from({ length: 20 }, (_, index) => ({
        subject: someone(),
        eventId: event(),
        plaintext: `order ${index} 😀 `.repeat(200),
      }))
      const erased = items[7]
      if (erased) await vault.destroy(erased.subject)
      const outcomes = await vault.seal(items)
      expect(outcomes[7]).to.deep.equal({ kind: 'erased' })
      const opens = items.flatMap(({ subject, eventId }, index) => {
        const outcome = outcomes[index]
        return outcome?.kind === 'sealed' ? [{ subject, eventId, jwe: outcome.jwe }] : []
      })
      const rest = items.filter((item) => item !== erased)
      expect(await vault.open(opens)).to.deep.equal(rest.map(({ plaintext }) => opened(plaintext)))
    })

    it('so that the seal names its subject and event', async () => {
      const { subject, eventId, jwe } = await sealOne(someone(), 'text')
      expect(readSealHeader(jwe)).to.deep.equal({ subject, eventId })
      expect(() => readSealHeader('no seal'))
        .to.throw(VaultError)
        .with.property('code', 'VAULT_SEAL_BROKEN')
    })

    it('one hundred new subjects in two round trips, known ones in one', async () => {
      const items = Array.from({ length: 100 }, () => ({
        subject: someone(),
        eventId: event(),
        holder: 'order',
        plaintext: 'x',
      }))
      const [counted, count] = counting(database)
      const fresh = await openVault({ database: counted, masterKeys: [masterKey] })
      const before = count()
      await fresh.seal(items)
      expect(count() - before).to.equal(2)
      await fresh.seal(items)
      expect(count() - before).to.equal(3)
      await fresh.seal(items.map((item) => ({ ...item, holder: 'another order' })))
      expect(count() - before).to.equal(4)
    })

    it('as one key when two processes meet a subject for the first time together', async () => {
      const vaults = await Promise.all(Array.from({ length: 4 }, () => anotherProcess()))
      const subjects = Array.from({ length: 50 }, someone)
      const items = subjects.map((subject) => ({ subject, eventId: event(), plaintext: subject }))
      const sealed = await Promise.all(vaults.map(async (one, index) => one.seal(index % 2 === 0 ? items : items.toReversed())))
      const reader = await anotherProcess()
      for (const [index, outcomes] of sealed.entries()) {
        const order = index % 2 === 0 ? items : items.toReversed()
        const opens = order.map(({ subject, eventId }, at) => {
          const outcome = outcomes[at]
          return { subject, eventId, jwe: outcome?.kind === 'sealed' ? outcome.jwe : '' }
        })
        expect(await reader.open(opens)).to.deep.equal(order.map(({ plaintext }) => opened(plaintext)))
      }
    })
  })

  describe('refuses', () => {
    const refusal = async (work: Promise<unknown>) => {
      const error = await work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      return error instanceof VaultError ? error.code : `not refused: ${String(error)}`
    }

    it('what was sealed for another subject', async () => {
      const [mine, other] = [await sealOne(someone(), 'mine'), await sealOne(someone(), 'other')]
      expect(await refusal(vault.open([{ ...mine, subject: other.subject }]))).to.equal('VAULT_SEAL_BROKEN')
    })

    it('what was sealed for another event of the same subject', async () => {
      const mine = await sealOne(someone(), 'mine')
      expect(await refusal(vault.open([{ ...mine, eventId: event() }]))).to.equal('VAULT_SEAL_BROKEN')
    })

    it('a seal whose header was changed to name another event', async () => {
      const mine = await sealOne(someone(), 'mine')
      const eventId = event()
      const [head, ...rest] = mine.jwe.split('.')
      const changed = Buffer.from(head ?? '', 'base64url')
        .toString()
        .replace(mine.eventId, eventId)
      const jwe = [Buffer.from(changed).toString('base64url'), ...rest].join('.')
      expect(await refusal(vault.open([{ ...mine, eventId, jwe }]))).to.equal('VAULT_SEAL_BROKEN')
    })

    it('a wrapped key that was moved to another subject in the database', async () => {
      const [mine, other] = [await sealOne(someone(), 'mine'), await sealOne(someone(), 'other')]
      await database.query(
        `UPDATE tributary_subject_key mine JOIN tributary_subject_key other ON other.subject = ?
         SET mine.wrapped_key = other.wrapped_key WHERE mine.subject = ?`,
        [other.subject, mine.subject],
      )
      expect(await refusal((await anotherProcess()).open([mine]))).to.equal('VAULT_SEAL_BROKEN')
    })

    it('a subject that its database does not know, and does not take it for erased', async () => {
      const mine = await sealOne(someone(), 'mine')
      await database.query('DELETE FROM tributary_subject_key WHERE subject = ?', [mine.subject])
      expect(await refusal((await anotherProcess()).open([mine]))).to.equal('VAULT_KEY_UNKNOWN')
    })

    it('a database that was set up with another master key', async () => {
      expect(await refusal(anotherProcess({ masterKeys: [randomBytes(32)] }))).to.equal('VAULT_MASTER_KEY_INVALID')
    })

    it('to open without a master key, or with a short one', async () => {
      expect(await refusal(anotherProcess({ masterKeys: [] }))).to.equal('VAULT_MASTER_KEY_MISSING')
      expect(await refusal(anotherProcess({ masterKeys: [randomBytes(16)] }))).to.equal('VAULT_MASTER_KEY_INVALID')
    })
  })

  describe('erases', () => {
    it('what it sealed, for good, and refuses to seal again though the key is cached', async () => {
      const mine = await sealOne(someone(), 'mine', { holder: 'order:1' })
      const elsewhere = await anotherProcess()
      await elsewhere.open([mine])
      await vault.destroy(mine.subject)
      expect(await vault.open([mine])).to.deep.equal([{ kind: 'erased' }])
      expect(await (await anotherProcess()).open([mine])).to.deep.equal([{ kind: 'erased' }])
      for (const by of [vault, elsewhere, await anotherProcess()])
        expect(await by.seal([{ subject: mine.subject, eventId: event(), plaintext: 'again' }])).to.deep.equal([
          { kind: 'erased' },
        ])
    })

    it('also while a key of it is on its way here from the database', async () => {
      const mine = await sealOne(someone(), 'mine')
      const read = Promise.withResolvers<void>()
      const arrives = Promise.withResolvers<void>()
      const query: Database['query'] = async (...statement) => {
        const rows = await database.query<never>(...statement)
        if (!statement[0].startsWith('SELECT subject, wrapped_key')) return rows
        read.resolve()
        await arrives.promise
        return rows
      }
      const slow = await openVault({ database: { ...database, query }, masterKeys: [masterKey] })
      const opening = slow.open([mine])
      await read.promise
      await slow.destroy(mine.subject)
      arrives.resolve()
      await opening
      expect(await slow.open([mine])).to.deep.equal([{ kind: 'erased' }])
    })

    it('only the one subject of a batch', async () => {
      const [gone, stays] = [await sealOne(someone(), 'gone'), await sealOne(someone(), 'stays')]
      await (await anotherProcess()).destroy(gone.subject)
      const outcomes = await vault.seal([
        { subject: gone.subject, eventId: event(), plaintext: 'x' },
        { subject: stays.subject, eventId: event(), plaintext: 'y' },
      ])
      expect(outcomes.map(({ kind }) => kind)).to.deep.equal(['erased', 'sealed'])
    })

    it('and says who held data of the subject, as often as it is asked', async () => {
      const subject = someone()
      const holder = `order:${'x'.repeat(1_000)}😀`
      await sealOne(subject, 'a', { holder: 'order:2' })
      await sealOne(subject, 'b', { holder })
      await sealOne(subject, 'c', { holder: 'order:2', by: await anotherProcess() })
      const first = await vault.destroy(subject)
      expect(first.known).to.equal(true)
      expect(first.holders).to.have.members(['order:2', holder])
      expect(await vault.destroy(subject)).to.deep.equal(first)
    })

    it('a subject nobody heard of, who must not come back through an order that is read late', async () => {
      const subject = someone()
      expect(await vault.destroy(subject)).to.deep.equal({ known: false, holders: [] })
      expect(
        await (await anotherProcess()).seal([{ subject, eventId: event(), holder: 'late', plaintext: 'x' }]),
      ).to.deep.equal([{ kind: 'erased' }])
      expect(await vault.destroy(subject)).to.deep.equal({ known: false, holders: [] })
    })

    it('with a cached key at the latest when the cache forgets it', async () => {
      const [remembers, forgets] = await Promise.all([anotherProcess(), anotherProcess({ cacheTtl: 50 })])
      const mine = await sealOne(someone(), 'mine')
      for (const elsewhere of [remembers, forgets]) expect(await elsewhere.open([mine])).to.deep.equal([opened('mine')])
      await vault.destroy(mine.subject)
      expect(await remembers.open([mine])).to.deep.equal([opened('mine')])
      while ((await forgets.open([mine]))[0]?.kind !== 'erased') await new Promise((resolve) => setImmediate(resolve))
    })

    it('racing seals, none of which is kept without its holder being told', async () => {
      const vaults = await Promise.all([anotherProcess(), anotherProcess(), anotherProcess()])
      for (let round = 0; round < 25; round += 1) {
        const subject = someone()
        if (round % 2 === 0) await sealOne(subject, 'before', { holder: 'before' })
        const sealing = vaults.map(async (by, index) => {
          const kept: string[] = []
          for (let turn = 0; turn < 4; turn += 1) {
            const holder = `order:${index}:${turn}`
            const [outcome] = await by.seal([{ subject, eventId: event(), holder, plaintext: 'x' }])
            if (outcome?.kind === 'sealed') kept.push(holder)
          }
          return kept
        })
        const { holders } = await vault.destroy(subject)
        const kept = (await Promise.all(sealing)).flat()
        expect(holders).to.include.members(kept)
      }
    })
  })

  describe('keeps secrets of ours', () => {
    it('that open under their own name, in every process, and under no other', async () => {
      const sealed = vault.sealSecret('access token 7', 'v^1.1#secret')
      expect(sealed).not.to.include('secret')
      expect((await anotherProcess()).openSecret('access token 7', sealed)).to.equal('v^1.1#secret')
      expect(() => vault.openSecret('access token 8', sealed))
        .to.throw(VaultError)
        .with.property('code', 'VAULT_SEAL_BROKEN')
    })
  })

  it('leaves no plaintext and no key in the database', async () => {
    await sealOne(someone(), 'Maria Muster', { holder: 'order:9' })
    const tables = ['tributary_subject_key', 'tributary_subject_holder', 'tributary_subject_pseudonym_key']
    const rows = await Promise.all(tables.map((table) => database.query('SELECT * FROM ??', [table])))
    const dump = Buffer.concat(
      rows
        .flat()
        .flatMap((row) => Object.values(row).map((value) => (Buffer.isBuffer(value) ? value : Buffer.from(String(value))))),
    )
    expect(dump.includes('Maria')).to.equal(false)
    expect(dump.includes(masterKey)).to.equal(false)
  })
})

/** The same database, and how many statements went to it outside transactions. */
function counting(database: Database): [Database, () => number] {
  let statements = 0
  return [
    {
      ...database,
      query: (text, values) => {
        statements += 1
        return database.query(text, values)
      },
    },
    () => statements,
  ]
}
