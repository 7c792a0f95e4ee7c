import { moveSecret, newSecret, revokeKey, rotateKey } from '@tributary/delivery'
import { isVerifiedV1a } from '@tributary/delivery/testing'
import type { Service } from '@tributary/runtime'
import { until } from '@tributary/test/servers'
import { createSpiReceiver, type SpiReceiver } from '@tributary/test/simulators/spi'
import { expect } from 'chai'
import { Webhook } from 'standardwebhooks'
import { GROUP, openStage, SECRET, type Stage } from './testing/stage.ts'

const NAME = `${GROUP}:warehouse`
const DAY = 86_400_000

describe('The keys that sign, while a dispatcher runs', () => {
  let stage: Stage
  let receiver: SpiReceiver
  let service: Service
  beforeEach(async () => {
    stage = await openStage('signing_keys')
    receiver = await createSpiReceiver({ secret: SECRET })
    await stage.setCodes(['warehouse'])
    await stage.addService('warehouse')
    service = stage.dispatcher({ warehouse: receiver.url })
    await service.start()
  })
  afterEach(async () => {
    await service.stop()
    await receiver.close()
    await stage.close()
  })

  const owner = { endpoint: NAME, since: 0, given: SECRET }
  const rotate = async (kind: 'v1' | 'v1a', overlap = DAY) => {
    const made = await rotateKey(stage, owner, { kind, overlap })
    if (typeof made === 'string' || 'problem' in made) throw new Error('No key was made.')
    return made
  }
  /** Appends orders until one arrives that is as wanted. */
  const untilArrival = async (what: string, isSo: (signature: string) => boolean) => {
    const signatureOf = () => receiver.record.arrivals.at(-1)?.headers['webhook-signature'] ?? ''
    await until(what, async () => {
      const before = receiver.record.arrivals.length
      await stage.appendOrders(['A'])
      await until('it arrives', () => receiver.record.arrivals.length > before)
      return isSo(signatureOf())
    })
    const arrival = receiver.record.arrivals.at(-1)
    if (!arrival) throw new Error('Nothing arrived.')
    return arrival
  }
  const reason = async () => (await service.health()).reason ?? ''

  it('are the old and the new one after a rotation, and each receiver verifies with the one it knows', async () => {
    await untilArrival('it is signed with the secret of the row', (signature) => /^v1,\S+$/.test(signature))
    const shared = await rotate('v1')
    const { headers, body } = await untilArrival('two keys sign', (signature) => signature.split(' ').length === 2)
    new Webhook(shared.handOver).verify(body, headers)
    new Webhook(SECRET).verify(body, headers)
    const asymmetric = await rotate('v1a')
    const later = await untilArrival('three keys sign', (signature) => signature.split(' ').length === 3)
    expect(isVerifiedV1a(asymmetric.handOver, later.headers, later.body)).to.equal(true)
    for (const secret of [shared.handOver, SECRET]) new Webhook(secret).verify(later.body, later.headers)
    expect(receiver.unverified).to.equal(0)
    const attempts = 'SELECT COUNT(*) AS found FROM tributary_delivery_attempt WHERE key_id = ?'
    await until('its attempt names the newest', async () => {
      const [row] = await stage.database.query<{ found: number }[]>(attempts, [asymmetric.id])
      return row?.found !== 0
    })
  })

  it('are no more than the living: one that was revoked or has ended signs nothing', async () => {
    const first = await rotate('v1')
    await untilArrival('two keys sign', (signature) => signature.split(' ').length === 2)
    await revokeKey(stage.database, NAME, first.id)
    await untilArrival('one key signs', (signature) => signature.split(' ').length === 1)
    expect(receiver.unverified).to.equal(0)
    await rotate('v1', 0)
    await until('the receiver, which knows only the old one, refuses', async () => {
      await stage.appendOrders(['B'])
      return receiver.unverified > 0
    })
  })

  it('move from the row into the vault without a request that is not signed', async () => {
    await untilArrival('it is signed', () => true)
    await moveSecret(stage, owner, async (connection) => {
      await connection.query("UPDATE eg_spi SET secret = ''")
    })
    for (let order = 0; order < 20; order += 1) await untilArrival('it is signed', () => true)
    expect(await reason()).to.equal('')
    expect(receiver.unverified).to.equal(0)
  })

  it('of a service that is gone sign nothing for the next one of its code', async () => {
    const secret = newSecret('v1')
    const next = await createSpiReceiver({ secret })
    await service.stop()
    service = stage.dispatcher({ warehouse: receiver.url, next: next.url })
    await service.start()
    await rotate('v1')
    await untilArrival('two keys sign', (signature) => signature.split(' ').length === 2)
    await stage.database.query('UPDATE eg_spi SET deleted = id')
    await until('it is gone', async () => Object.keys((await service.health()).details ?? {}).length === 0)
    await stage.addService('warehouse', { secret, createTime: Date.now(), name: 'next' })
    const [sent = ''] = await stage.appendOrders(['A'])
    await until('it arrives', () => next.record.has(sent))
    expect(next.unverified).to.equal(0)
    await next.close()
  })

  it('stop an endpoint when all have ended or one cannot be opened, and health says what to do; others go on', async () => {
    const { id } = await rotate('v1', 0)
    await revokeKey(stage.database, NAME, id)
    await until('health asks for a key', async () => (await reason()).includes(`endpoint rotate-secret ${NAME}`))
    const secret = newSecret('v1')
    const other = await createSpiReceiver({ secret })
    await stage.addService('accounting', { secret })
    await stage.setCodes(['warehouse', 'accounting'])
    await service.stop()
    service = stage.dispatcher({ warehouse: receiver.url, accounting: other.url })
    await rotate('v1')
    await stage.database.query("UPDATE tributary_endpoint_key SET sealed = 'broken' WHERE sealed IS NOT NULL")
    const before = receiver.record.arrivals.length
    await service.start()
    const [sent = ''] = await stage.appendOrders(['C'])
    await until('the other gets its order', () => other.record.has(sent))
    expect(await reason()).to.match(/warehouse: Key [0-9a-f]{8} of the endpoint cannot be used\./)
    expect(receiver.record.arrivals.length).to.equal(before)
    await other.close()
  })
})
