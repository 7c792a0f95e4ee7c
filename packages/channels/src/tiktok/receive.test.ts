import { expect } from 'chai'
import { signBody } from '../app-signature.ts'
import { createStage, type Stage } from './testing/stage.ts'

describe('A webhook of TikTok Shop', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await createStage()
  })
  afterEach(() => stage.simulator.close())

  const receive = ({ body, authorization }: { body: Buffer; authorization?: string }, tiktok = stage.tiktok) =>
    tiktok.receive({ headers: authorization === undefined ? {} : { authorization }, body }, stage.signal)
  const told = async (type: number, data: Record<string, unknown>) => {
    const reception = await receive(stage.simulator.webhook(type, stage.shopId, data))
    if (reception.kind !== 'accepted') throw new Error(reception.code)
    return reception.notification
  }

  it('names the orders that changed, whatever changed about them', async () => {
    for (const [type, topic] of [
      [1, 'ORDER_STATUS_CHANGE'],
      [3, 'RECIPIENT_ADDRESS_UPDATE'],
      [11, 'CANCELLATION_STATUS_CHANGE'],
      [12, 'RETURN_STATUS_CHANGE'],
    ] as const)
      expect(await told(type, { order_id: '5764', update_time: 1 })).to.deep.include({
        kind: 'order',
        topic,
        sellerId: stage.shopId,
        orderIds: ['5764'],
      })
    const packages = [
      { package_id: '1', order_id_list: ['152523', '532123'] },
      { package_id: '2', order_id_list: ['152523'] },
    ]
    expect(await told(4, { sc_type: 'COMBINE', package_list: packages })).to.deep.include({ orderIds: ['152523', '532123'] })
  })

  it('tells that a shop took its consent back, and keeps all else that it does not know', async () => {
    expect(await told(6, { message: 'gone' })).to.deep.include({ kind: 'revocation', sellerId: stage.shopId })
    expect(await told(7, { expiration_time: '1' })).to.deep.include({ kind: 'other', topic: 'TYPE_7' })
    expect(await told(99, {})).to.deep.include({ kind: 'other', topic: 'TYPE_99' })
    expect(await told(1, { order_status: 'X' })).to.include({ kind: 'other' })
  })

  it('without an id of its own has one of its content, the same on every try', async () => {
    const body = Buffer.from('{"type":3,"shop_id":"7","timestamp":1,"data":{"order_id":"9"}}')
    const authorization = signBody({ key: stage.app.clientId, secret: stage.app.clientSecret }, body)
    const ids = []
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const reception = await receive({ body, authorization })
      ids.push(reception.kind === 'accepted' ? reception.notification.notificationId : reception.code)
    }
    expect(ids[0]).to.match(/^3:7:[0-9a-f]{64}$/)
    expect(ids[1]).to.equal(ids[0])
  })

  it('is refused with 401 when it is not signed, or not over these bytes', async () => {
    const message = stage.simulator.webhook(1, stage.shopId, { order_id: '1' })
    expect(await receive({ body: message.body })).to.include({ kind: 'refused', status: 401, code: 'SIGNATURE_MISSING' })
    const tampered = Buffer.from(message.body.toString().replace('"1"', '"2"'))
    expect(await receive({ ...message, body: tampered })).to.include({ status: 401, code: 'SIGNATURE_WRONG' })
    for (const authorization of ['x', `${message.authorization}0`, message.authorization.toUpperCase()])
      expect(await receive({ body: message.body, authorization })).to.include({ status: 401 })
  })

  it('is asked for again with 503 while the secret is missing, because a 401 would end its delivery', async () => {
    const message = stage.simulator.webhook(1, stage.shopId, { order_id: '1' })
    const another = { ...stage.app, clientId: 'another' }
    const unarmed = [() => [], () => [{ ...stage.app, clientSecret: '' }], () => [another, { ...stage.app, clientSecret: '' }]]
    for (const apps of unarmed) {
      const other = await createStage({ apps })
      expect(await receive(message, other.tiktok)).to.include({ kind: 'unavailable', status: 503 })
      await other.simulator.close()
    }
  })

  it('that is signed but says nothing is refused with 400', async () => {
    for (const text of ['no json', '{}', '[]', '{"type":"1"}', 'null']) {
      const body = Buffer.from(text)
      const authorization = signBody({ key: stage.app.clientId, secret: stage.app.clientSecret }, body)
      expect(await receive({ body, authorization }), text).to.include({ kind: 'refused', status: 400 })
    }
  })
})
