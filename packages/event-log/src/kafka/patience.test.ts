import { expect } from 'chai'
import type { Cluster } from './client.ts'
import { whileLeadersMove } from './patience.ts'

/** As kafkajs throws what a broker says. */
const movedAway = () => Object.assign(new Error('moved'), { type: 'NOT_LEADER_FOR_PARTITION', retriable: true })

describe('Patience with a cluster whose leaders move', () => {
  const cluster = { refreshMetadata: async () => {} } as Cluster

  it('tries again until a leader answers', async () => {
    let tries = 0
    const work = async () => {
      tries += 1
      if (tries < 3) throw movedAway()
      return 'answered'
    }
    expect(await whileLeadersMove(cluster, work)).to.equal('answered')
    expect(tries).to.equal(3)
  })

  it('ends with its reason when it is told to, though nobody has answered', async () => {
    const ending = new AbortController()
    const work = async () => {
      ending.abort(new Error('The follower stops.'))
      throw movedAway()
    }
    const failure = await whileLeadersMove(cluster, work, ending.signal).catch((error: unknown) => error)
    expect(failure).to.have.property('message', 'The follower stops.')
  })

  it('does not try again what no other leader can mend', async () => {
    let tries = 0
    const work = async () => {
      tries += 1
      throw new Error('a fault of ours')
    }
    expect(await whileLeadersMove(cluster, work).catch((error: Error) => error.message)).to.equal('a fault of ours')
    expect(tries).to.equal(1)
  })
})
