import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testCertificate } from '@tributary/test/servers'
import { expect } from 'chai'
import { startEventStoreDb } from '../servers/eventstoredb/server.ts'
import { migratedTestDatabase } from '../servers/index.ts'
import { anEvent, idsOf, openUnderTest, readAll } from './event-log/log-under-test.ts'

const TOPIC = 'SECURE'

describe('The EventStoreDB log over TLS', () => {
  it('is kept by the user of its address, and by nobody else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tributary-tls-'))
    const certificate = testCertificate({ host: 'localhost' })
    const authorities = join(folder, 'ca.pem')
    await writeFile(authorities, certificate.cert)
    const password = randomBytes(9).toString('hex')
    const [server, database] = await Promise.all([
      startEventStoreDb({ secure: { ...certificate, user: 'ann', password } }),
      migratedTestDatabase('eventstoredb_tls'),
    ])
    const outcome = async (url: string) => {
      const log = await openUnderTest({ url, databaseUrl: database.url })
      const event = anEvent()
      try {
        await log.append(TOPIC, [event])
        return idsOf(await readAll(log, TOPIC)).includes(event.id)
      } catch (error) {
        return error
      } finally {
        await log.close()
      }
    }
    const address = (user: string, options: string) => `eventstoredb://${user}localhost:${server.port}${options}`
    try {
      expect(await outcome(address(`ann:${password}@`, `?tlsCAFile=${authorities}`))).to.equal(true)
      const refused = { code: 'LOG_UNAVAILABLE', retriable: false }
      expect(await outcome(address('ann:wrong@', `?tlsCAFile=${authorities}`))).to.include(refused)
      expect(await outcome(address('', `?tlsCAFile=${authorities}`))).to.include(refused)
      for (const url of [address(`ann:${password}@`, ''), address('', '?tls=false')]) {
        const error = (await outcome(url)) as Error
        expect(error).to.include({ code: 'LOG_UNAVAILABLE', retriable: true })
        expect(error.message).to.not.contain(password)
      }
    } finally {
      await server.stop()
      await database.drop()
      await rm(folder, { recursive: true })
    }
  })
})
