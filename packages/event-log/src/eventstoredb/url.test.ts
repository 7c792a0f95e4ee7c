import { expect } from 'chai'
import { openEventLog } from '../open-event-log.ts'
import { parseEventStoreDbUrl } from './url.ts'

describe('The address of an EventStoreDB log', () => {
  it('is a connection string of EventStoreDB', () => {
    expect(parseEventStoreDbUrl('eventstoredb://ann:p%40ss@one:2114,two')).to.deep.equal({
      hosts: [
        { address: 'one', port: 2114 },
        { address: 'two', port: 2113 },
      ],
      discover: false,
      security: {},
      user: { username: 'ann', password: 'p@ss' },
    })
    const { discover, security } = parseEventStoreDbUrl('eventstoredb+discover://cluster.example/?tls=false')
    expect({ discover, security }).to.deep.equal({ discover: true, security: { insecure: true } })
  })

  it('is refused with what is wrong with it, and never repeated', async () => {
    const wrong: [string, string][] = [
      ['eventstoredb://', 'form'],
      ['eventstoredb://ann:hidden@', 'form'],
      ['eventstoredb://ann:hidden@host:port', 'host:port'],
      ['eventstoredb://host?nodePreference=follower', 'nodePreference'],
      ['eventstoredb://host?tlsVerifyCert=false', 'tlsVerifyCert'],
      ['eventstoredb://host?tls=no', 'tls'],
      ['eventstoredb://ann:hidden@host?tls=false', 'without TLS'],
      ['eventstoredb://host?tls=false&tlsCAFile=/none', 'tlsCAFile'],
      ['eventstoredb://host?tlsCAFile=/none', 'cannot be read'],
      ['eventstoredb://host?tlsCAFile=/', 'cannot be read'],
      ['eventstoredb://host?tlsCAFile=/dev/null', 'no certificate'],
      [`eventstoredb://host?tlsCAFile=${import.meta.filename}`, 'no certificate'],
      ['eventstoredb://host?userKeyFile=/none', 'only one'],
      ['eventstoredb://host', 'needs the database'],
    ]
    for (const [url, reason] of wrong) {
      const error = await openEventLog({ url, partitions: 1 }).catch((thrown: Error & { code: string }) => thrown)
      expect(error, url).to.include({ code: 'LOG_URL_INVALID', retriable: false })
      expect((error as Error).message)
        .to.contain(reason)
        .and.not.contain('hidden')
    }
  })
})
