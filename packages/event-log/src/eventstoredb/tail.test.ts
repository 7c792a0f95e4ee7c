import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import { anEvent, useStage } from './testing/stage.ts'

describe('The subscription to EventStoreDB', function () {
  this.timeout(30_000)
  const { server, topic, log, open, follow } = useStage()

  it('notices a subscription that stands still, and begins another', async () => {
    const follower = follow(log())
    const other = await open(server().url)
    const seen = async () => {
      const event = anEvent()
      await other.append(topic(), [event])
      await until('the event is followed', () => follower.ids.includes(event.id))
    }
    const { ever } = server().faults.subscriptions()
    await until('it subscribes', () => server().faults.subscriptions().open === 1)
    await seen()
    server().faults.stallSubscriptions()
    await seen()
    await until('it subscribes again', () => server().faults.subscriptions().ever === ever + 2)
    await until('the other is left', () => server().faults.subscriptions().open === 1)
    await seen()
    await follower.stop()
    expect(new Set(follower.ids)).to.have.property('size', follower.ids.length)
  })

  it('subscribes again when the server ends its subscription, and misses nothing', async () => {
    const follower = follow(log())
    const other = await open(server().url)
    const ids: string[] = []
    for (let round = 1; round <= 3; round += 1) {
      await until('it subscribes', () => server().faults.subscriptions().open === 1)
      server().faults.dropSubscriptions()
      const events = Array.from({ length: 5 }, (_, index) => anEvent({ partitionkey: `key-${index}` }))
      await other.append(topic(), events)
      ids.push(...events.map(({ id }) => id))
      await until('all are followed', () => follower.ids.length >= ids.length)
    }
    await follower.stop()
    expect(follower.ids).to.have.members(ids)
  })
})
