import { orderHolder, orderKey } from '@tributary/events'
import { expect } from 'chai'
import { ofType } from './testing/events.ts'
import { type IngestUnderTest, prepareIngest } from './testing/ingest-under-test.ts'

describe('taking in notifications that ask to forget a person', () => {
  let its: IngestUnderTest
  before(async () => {
    its = await prepareIngest()
  })
  after(() => its.close())
  beforeEach(() => its.reset())

  const buyer = { username: 'some_buyer', userId: 'SYNbuyer1' }
  const forget = () => its.ebay.notifications.accountDeletion(buyer)
  /** What order-sync does with an order of this buyer. */
  async function holdDataOf(id: string, ...orderIds: string[]): Promise<string> {
    const subject = its.vault.subject('ebay:user', id)
    for (const orderId of orderIds) {
      const holder = orderHolder(1, 'SYNuser1', orderId, 4711)
      await its.vault.seal([{ subject, eventId: '00000000-0000-4000-8000-000000000000', holder, plaintext: 'address' }])
    }
    return subject
  }

  it('does nothing for somebody it never heard of', async () => {
    expect(await its.ebay.notifications.send(its.callback, forget())).to.deep.equal([204])
    expect(await its.events()).to.deep.equal([])
  })

  it('destroys the key and tells every order that holds data of the person', async () => {
    const subject = await holdDataOf(buyer.username, '12-1', '12-2')
    const message = forget()
    expect(await its.ebay.notifications.send(its.callback, message)).to.deep.equal([204])
    const events = ofType(await its.events(), 'PersonalDataErased')
    expect(events.map(({ data }) => data.orderId).sort()).to.deep.equal(['12-1', '12-2'])
    for (const event of events) {
      expect(event.partitionkey).to.equal(orderKey(1, 'SYNuser1', event.data.orderId))
      expect(event.data).to.include({
        subject,
        sellerRowId: 4711,
        reason: 'account-deletion',
        notificationId: message.notification.notificationId,
      })
    }
    const [sealed] = await its.vault.seal([{ subject, eventId: '00000000-0000-4000-8000-000000000000', plaintext: 'again' }])
    expect(sealed).to.deep.equal({ kind: 'erased' })
  })

  it('finds data that is held under the name and under the id', async () => {
    await holdDataOf(buyer.username, '12-1')
    await holdDataOf(buyer.userId, '12-2')
    await its.ebay.notifications.send(its.callback, forget())
    expect(ofType(await its.events(), 'PersonalDataErased')).to.have.length(2)
  })

  it('tells each order once, also when it is asked again under another notification', async () => {
    await holdDataOf(buyer.username, '12-1')
    for (const message of [forget(), forget()]) {
      expect(await its.ebay.notifications.send(its.callback, message, { copies: 2 })).to.deep.equal([204, 204])
    }
    expect(await its.events()).to.have.length(1)
  })

  it('still tells every order when it was ended between the key and the log', async () => {
    const subject = await holdDataOf(buyer.username, '12-1', '12-2')
    await its.log.close()
    expect(await its.ebay.notifications.send(its.callback, forget())).to.deep.equal([503])
    expect((await its.vault.destroy(subject)).known, 'the key had not gone first').to.equal(true)
    expect(await its.events()).to.deep.equal([])
    await its.restart()
    expect(await its.ebay.notifications.send(its.callback, forget())).to.deep.equal([204])
    expect(ofType(await its.events(), 'PersonalDataErased')).to.have.length(2)
  })
})
