import type { OpenedEvent } from '@tributary/projection'
import { anEvent, aSellerAuthorized, given } from '@tributary/projection/testing'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import fc from 'fast-check'
import { sellers } from './index.ts'
import { SELLER_LIMITS, TABLES, TOKEN_LIMIT } from './tables.ts'

const T = Date.UTC(2026, 10, 23, 9)
const TABLE = 'eg_order_app_seller'
const at = (minute: number) => T + minute * 60_000

const authorized = (minute: number, sealed = `token ${minute}`, rowId = 7) =>
  aSellerAuthorized({ authorizedTime: at(minute), sealed, rowId, spiServerCodes: null }, at(minute))
/** Of the consent of minute `of`, if it says so. */
const about = (of?: number) => (of === undefined ? {} : { authorizedTime: at(of) })
const rotated = (minute: number, of?: number) =>
  anEvent('SellerTokenRotated', { rotatedTime: at(minute), sealed: `token ${minute}`, ...about(of) }, at(minute))
const ended = (minute: number, of: number) =>
  anEvent('SellerDeauthorized', { reason: 'refused', deauthorizedTime: at(minute), ...about(of) }, at(minute))
const deauthorized = (minute: number, reason: 'revoked' | 'refused' = 'revoked') =>
  anEvent('SellerDeauthorized', { reason, deauthorizedTime: at(minute) }, at(minute))
const configured = (...spiServerCodes: string[]) => anEvent('SellerConfigured', { spiServerCodes })

describe('sellers: a consent', () => {
  it('fills every column, the token sealed as it came', () => {
    const event = aSellerAuthorized({ rowId: 7, authorizedTime: T, refreshTokenExpiresTime: T + 5 }, T)
    expect(given(sellers).when(event).row(TABLE)).to.deep.equal({
      id: 7,
      channel: 1,
      seller_id: 'u7rnQmKSS5e',
      order_app_id: 2,
      region: 'EBAY_DE',
      spi_server_codes: 'warehouse-hamburg',
      refresh_token: event.data.sealed,
      refresh_token_expires_in: 47_304_000,
      refresh_token_expires_time: T + 5,
      attach_info: JSON.stringify({ sellerName: 'north_sea_tools', authorizedTime: T }),
      create_user_id: 0,
      create_by: 'tributary',
      create_time: T,
      update_user_id: 0,
      update_by: 'tributary',
      update_time: T,
      deleted: 0,
    })
  })

  it('is found by channel and seller; events about orders change nothing', () => {
    expect(sellers.key(authorized(0))).to.deep.equal([1, 'u7rnQmKSS5e'])
    expect(sellers.key(anEvent('OrderNotified'))).to.equal(undefined)
    expect(given(sellers, authorized(0)).when(anEvent('OrderNotified')).unchanged).to.equal(true)
  })

  it('given again keeps the id and the codes, and shows the new token', () => {
    const { row } = given(sellers, authorized(0), configured('a', 'b')).when(authorized(5, 'new token', 99))
    expect(row(TABLE)).to.include({
      id: 7,
      refresh_token: 'new token',
      spi_server_codes: 'a,b',
      create_time: T,
      update_time: at(5),
    })
  })

  it('that is older than the one shown changes nothing, and is counted', () => {
    const { unchanged, remarks } = given(sellers, authorized(5)).when(authorized(1))
    expect(unchanged).to.equal(true)
    expect(remarks.map(({ kind }) => kind)).to.deep.equal(['stale'])
  })

  it('whose key was destroyed leaves no token', () => {
    const event = aSellerAuthorized({ sealed: null })
    expect(given(sellers).when(event).row(TABLE)['refresh_token']).to.equal('')
  })

  it('revives a row that somebody deleted by hand', () => {
    const [row] = given(sellers).when(authorized(0)).rows(TABLE)
    const { state } = sellers.fold({ [TABLE]: [{ ...row, deleted: 7 }] }, authorized(1))
    expect(state[TABLE]?.[0]).to.include({ id: 7, deleted: 0 })
  })

  it('begins attach_info anew when it holds no JSON object', () => {
    const [row] = given(sellers).when(authorized(0)).rows(TABLE)
    for (const attach_info of [null, '', 'text', 'null', '[]', '"text"', '{"a"']) {
      const { state } = sellers.fold({ [TABLE]: [{ ...row, attach_info }] }, authorized(0))
      expect(state[TABLE]?.[0]?.['attach_info'], String(attach_info)).to.equal(row?.['attach_info'])
    }
  })

  it('keeps what others wrote into attach_info', () => {
    const [row] = given(sellers).when(authorized(0)).rows(TABLE)
    const { state } = sellers.fold({ [TABLE]: [{ ...row, attach_info: '{"theirs":[1]}' }] }, authorized(1))
    expect(JSON.parse(String(state[TABLE]?.[0]?.['attach_info']))).to.deep.equal({
      theirs: [1],
      sellerName: 'north_sea_tools',
      authorizedTime: at(1),
    })
  })
})

describe('sellers: tokens and the end of a grant', () => {
  it('show a token that the marketplace replaced, and no older one after it', () => {
    const { row } = given(sellers, authorized(0)).when(rotated(5), rotated(3))
    expect(row(TABLE)).to.include({ refresh_token: 'token 5', update_time: at(5) })
  })

  it('lose the token with the grant, but not the row', () => {
    const { row } = given(sellers, authorized(0), configured('a')).when(deauthorized(5))
    expect(row(TABLE)).to.include({
      refresh_token: '',
      refresh_token_expires_in: 0,
      refresh_token_expires_time: at(5),
      spi_server_codes: 'a',
      deleted: 0,
    })
    expect(JSON.parse(String(row(TABLE)['attach_info']))['deauthorized']).to.deep.equal({ reason: 'revoked', time: at(5) })
  })

  it('live on when the notice of an end is older than the consent', () => {
    expect(given(sellers, authorized(5)).when(deauthorized(3)).unchanged).to.equal(true)
  })

  it('are those of the last consent, when the one before is replaced or ends after it without having seen it', () => {
    for (const late of [rotated(7, 0), ended(7, 0)]) {
      expect(given(sellers, authorized(0), authorized(5)).when(late).unchanged).to.equal(true)
      // The consent waited in a spool.
      const { row } = given(sellers, authorized(0), late).when(authorized(5))
      expect(row(TABLE)).to.include({ refresh_token: 'token 5' })
      expect(JSON.parse(String(row(TABLE)['attach_info']))).to.deep.equal({
        sellerName: 'north_sea_tools',
        authorizedTime: at(5),
      })
    }
    for (const own of [rotated(7, 5), ended(7, 5)])
      expect(given(sellers, authorized(0), authorized(5), own).when(authorized(5)).unchanged).to.equal(true)
  })

  it('come back under the old id with a new consent', () => {
    const { row } = given(sellers, authorized(0), deauthorized(5)).when(authorized(9, 'new token', 99))
    expect(row(TABLE)).to.include({ id: 7, refresh_token: 'new token', create_time: T })
    expect(String(row(TABLE)['attach_info'])).not.to.include('deauthorized')
  })

  it('do not exist before the first consent', () => {
    for (const event of [rotated(0), deauthorized(0), configured('a')]) {
      expect(given(sellers).when(event).rows(TABLE)).to.deep.equal([])
    }
  })

  it('end the same whatever the order of arrival after a first consent', () => {
    const kinds = fc.array(fc.constantFrom('consent', 'rotation', 'end'), { minLength: 1, maxLength: 6 })
    const history = kinds.map((list) => [
      authorized(0),
      ...list.map((kind, index): OpenedEvent => {
        const minute = index + 1
        return kind === 'consent' ? authorized(minute) : kind === 'rotation' ? rotated(minute) : deauthorized(minute)
      }),
    ])
    const meaning = (events: readonly OpenedEvent[]) => {
      const { update_time, create_time, ...rest } = given(sellers)
        .when(...events)
        .row(TABLE)
      return { ...rest, attach_info: JSON.parse(String(rest['attach_info'])) }
    }
    fc.assert(
      fc.property(
        history.chain((events) => fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }))),
        ([events, shuffled]) => {
          const first = shuffled.findIndex(({ type }) => type === 'SellerAuthorized')
          const heard = [...shuffled.slice(first), ...shuffled.slice(0, first)]
          expect(meaning(heard)).to.deep.equal(meaning(events))
          expect(given(sellers, ...heard).when(...heard.filter(({ type }) => type !== 'SellerConfigured')).unchanged).to.equal(
            true,
          )
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('sellers: tokens and ends that say of which consent they are', () => {
  it('end the same whatever the order of arrival, each after its consent', () => {
    const step = fc.record({ kind: fc.constantFrom('consent', 'rotation', 'end'), of: fc.nat(6) })
    const history = fc.array(step, { minLength: 1, maxLength: 6 }).map((steps) => {
      const consents = [0]
      const later = steps.map(({ kind, of }, index) => {
        const minute = index + 1
        if (kind === 'consent') {
          consents.push(minute)
          return { event: authorized(minute), consent: minute }
        }
        const consent = consents[of % consents.length] ?? 0
        return { event: kind === 'rotation' ? rotated(minute, consent) : ended(minute, consent), consent }
      })
      return [{ event: authorized(0), consent: 0 }, ...later]
    })
    const meaning = (events: readonly OpenedEvent[]) => {
      const { refresh_token, attach_info } = given(sellers)
        .when(...events)
        .row(TABLE)
      return { refresh_token, deauthorized: JSON.parse(String(attach_info))['deauthorized'] }
    }
    fc.assert(
      fc.property(
        history.chain((steps) => fc.tuple(fc.constant(steps), fc.shuffledSubarray(steps, { minLength: steps.length }))),
        ([steps, shuffled]) => {
          const consents = shuffled.filter(({ event }) => event.type === 'SellerAuthorized')
          const first = steps[0] ? [steps[0]] : []
          const others = consents.filter((step) => step !== steps[0])
          const of = (consent: number) =>
            shuffled.filter((step) => step.consent === consent && step.event.type !== 'SellerAuthorized')
          const heard = [...first, ...others].flatMap((step) => [step, ...of(step.consent)])
          expect(meaning(heard.map(({ event }) => event))).to.deep.equal(meaning(steps.map(({ event }) => event)))
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('sellers: values that do not fit', () => {
  it('leaves out a code whole when there is no room for it, and one with a comma in it', () => {
    const codes = ['first', 'x'.repeat(240), 'does-not-fit', 'a,b', 'tail', 'first']
    const { row, remarks } = given(sellers, authorized(0)).when(configured(...codes))
    expect(row(TABLE)['spi_server_codes']).to.equal(`first,${'x'.repeat(240)},tail`)
    expect(remarks).to.deep.equal([
      { kind: 'truncated', table: TABLE, column: 'spi_server_codes', detail: '2 of 6 codes left out' },
    ])
  })

  it('never shows part of a token', () => {
    const { row, remarks } = given(sellers).when(authorized(0, 'x'.repeat(TOKEN_LIMIT + 1)))
    expect(row(TABLE)['refresh_token']).to.equal('')
    expect(remarks.map(({ column }) => column)).to.deep.equal(['refresh_token'])
  })

  it('agrees with the columns of the real table, which gives back what was written', async () => {
    const { database, drop } = await migratedTestDatabase('sellers_limits')
    try {
      const found = await database.query<{ name: string; longest: number | null; bytes: number | null }[]>(
        `SELECT column_name AS name, character_maximum_length AS longest, character_octet_length AS bytes
           FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position`,
        [TABLE],
      )
      expect(found.map(({ name }) => name)).to.deep.equal(TABLES[0]?.columns)
      const of = (name: string) => found.find((column) => column.name === name)
      for (const [name, limit] of Object.entries(SELLER_LIMITS)) expect(Number(of(name)?.longest)).to.equal(limit, name)
      expect(Number(of('refresh_token')?.bytes)).to.equal(TOKEN_LIMIT)
      const event = aSellerAuthorized({
        region: '😀'.repeat(80),
        sellerName: '\ud800名'.repeat(400),
        spiServerCodes: Array.from({ length: 40 }, (_, index) => `服务-${index}`),
        sealed: 'x'.repeat(TOKEN_LIMIT),
        refreshTokenExpiresIn: 1e12,
      })
      const row = given(sellers).when(event).row(TABLE)
      const columns = Object.keys(row)
      await database.query('INSERT INTO ?? (??) VALUES (?)', [TABLE, columns, Object.values(row)])
      expect(await database.query('SELECT ?? FROM ??', [columns, TABLE])).to.deep.equal([row])
    } finally {
      await drop()
    }
  })
})
