import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inParts } from '@tributary/runtime'
import { expect } from 'chai'
import { createGateway, type Gateway, UNREACHABLE_EBAY } from './gateway/gateway.ts'
import { deliveriesOf, orderRow, snapshotsOf } from './gateway/look.ts'
import { openWorld, type World } from './gateway/world.ts'

describe('commands that only look', function () {
  this.timeout(180_000)
  const user = `looker_${randomBytes(4).toString('hex')}`
  let world: World
  let looking: Gateway
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-looking-'))
    world = await openWorld({ name: 'looking' })
    const address = Object.assign(new URL(world.databaseUrl), { username: user, password: 'only-looks' })
    await world.database.query(`CREATE USER '${user}'@'%' IDENTIFIED BY 'only-looks'`)
    await world.database.query(`GRANT SELECT ON ${address.pathname.slice(1)}.* TO '${user}'@'%'`)
    looking = await createGateway({
      ...{ databaseUrl: address.href, ebay: UNREACHABLE_EBAY, receivers: {}, masterKey: world.gateway.masterKey },
    })
  })
  after(async () => {
    await looking.remove()
    await world.database.query(`DROP USER '${user}'@'%'`)
    await world.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('need no more of the database than SELECT', async () => {
    const { seller } = await world.consent({ codes: 'warehouse' })
    const { orderId } = world.simulator.market.addOrder(seller.userId, {})
    await world.notify(orderId)
    await deliveriesOf(world, 'warehouse', orderId)
    const row = await orderRow(world, orderId)
    const [event] = await snapshotsOf(world, orderId)
    const order = `1:${seller.userId}:${orderId}`
    const calls = [
      ...['app list', 'api-key list', 'spi list', 'seller list', 'consent list', 'order-read list', 'parked list'],
      ...['shipment list', 'endpoint list', 'deliveries list', `deliveries list --order ${order}`],
      ...['deliveries verify', 'events tail', `events find --order ${order}`, 'events find --member nobody --corp none'],
      ...[
        `events show ${event?.id}`,
        `deliveries show ${event?.id}`,
        `row why eg_order_order ${row['id']}`,
        'projection status --checksum',
      ],
      ...['projection parked', `export --to ${folder}`, 'wework corps', 'wework quarantine', 'migrate --status'],
    ]
    for (const part of inParts(calls, 4)) {
      const outcomes = await Promise.all(part.map((call) => looking.run(call.split(' '))))
      for (const [index, { code, errors }] of outcomes.entries()) expect(code, `${part[index]}: ${errors}`).to.equal(0)
    }
  })
})
