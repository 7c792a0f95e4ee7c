import { expect } from 'chai'
import { createStage, type Stage } from './testing/stage.ts'

describe('A push of Lazada', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await createStage()
  })
  afterEach(() => stage.simulator.close())

  const receive = ({ body, authorization }: { body: Buffer; authorization?: string }, lazada = stage.lazada) =>
    lazada.receive({ headers: authorization === undefined ? {} : { authorization }, body }, stage.signal)
  const told = async (text: string) => {
    const reception = await receive(stage.simulator.push(text))
    if (reception.kind !== 'accepted') throw new Error(reception.code)
    return reception.notification
  }
  const trade = (line: string, timestamp = '1721299120') =>
    `{"seller_id":"400596435779","message_type":0,"data":{"order_status":"ready_to_ship","trade_order_id":"1499204910315939","trade_order_line_id":"${line}","status_update_time":1721299109},"timestamp":${timestamp},"site":"lazada_id"}`

  it('names the order, with every digit of an id that came as a number', async () => {
    expect(await told(trade('1'))).to.deep.include({
      kind: 'order',
      topic: 'TRADE_ORDER',
      sellerId: '400596435779',
      orderIds: ['1499204910315939'],
      time: 1_721_299_120_000,
    })
    const reverse = `{"seller_id":"12345","message_type":10,"data":{"reverse_order_id":1,"trade_order_id":99999999999999999},"timestamp":1627889609,"site":"lazada_sg"}`
    expect(await told(reverse)).to.deep.include({ kind: 'order', topic: 'REVERSE_ORDER', orderIds: ['99999999999999999'] })
  })

  it('tells seconds from milliseconds by their magnitude', async () => {
    expect((await told(trade('1', '1603766859530'))).time).to.equal(1_603_766_859_530)
  })

  it('has an identity of what it says: the same again for a repetition, another for another line', async () => {
    const [one, again, other] = [await told(trade('1')), await told(trade('1', '1721299999')), await told(trade('2'))]
    expect(again.notificationId).to.equal(one.notificationId)
    expect(other.notificationId).not.to.equal(one.notificationId)
  })

  it('that names no order is kept, under the seller that its data names where the outer one is "null"', async () => {
    const expiring = `{"seller_id":"null","message_type":8,"data":{"app_key":"1","auth_expiry_time":1,"seller_id":"1000165972"},"timestamp":1627416758,"site":"lazada_ph"}`
    expect(await told(expiring)).to.deep.include({ kind: 'other', topic: 'TOKEN_EXPIRING', sellerId: '1000165972' })
    expect(await told('{"message_type":77}')).to.deep.include({ kind: 'other', topic: 'TYPE_77', sellerId: null })
  })

  it('is refused when it is not signed or not over these bytes, and asked for again while the secret is missing', async () => {
    const message = stage.simulator.push(trade('1'))
    expect(await receive({ body: message.body })).to.include({ status: 401, code: 'SIGNATURE_MISSING' })
    const tampered = Buffer.from(message.body.toString().replace('ready_to_ship', 'delivered'))
    expect(await receive({ ...message, body: tampered })).to.include({ status: 401, code: 'SIGNATURE_WRONG' })
    for (const text of ['no json', '{}', '[]', 'null'])
      expect(await receive(stage.simulator.push(text)), text).to.include({ kind: 'refused', status: 400 })
    const other = await createStage({ apps: () => [] })
    expect(await receive(message, other.lazada)).to.include({ kind: 'unavailable', status: 503 })
    await other.simulator.close()
  })
})
