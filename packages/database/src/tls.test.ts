import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PrivateServer, startMariaDb, testCertificate } from '@tributary/test/servers'
import { expect } from 'chai'
import { openDatabase } from './open-database.ts'
import { askPresence } from './presence.ts'
import { rejection } from './testing/rejection.ts'
import { parseDatabaseUrl } from './url.ts'

describe('an encrypted connection to the database', () => {
  const authority = testCertificate({ host: 'authority' })
  let folder: string
  let server: PrivateServer

  /** A server with a certificate for `host`, and the addresses that trust it. */
  async function start(host: string): Promise<(name: string) => string> {
    const { cert, key } = testCertificate({ host, issuer: authority })
    const write = async (name: string, text: string) => {
      await writeFile(join(folder, name), text, { mode: 0o600 })
      return join(folder, name)
    }
    const ca = await write('ca.pem', authority.cert)
    const tls = { cert: await write('server.pem', cert), key: await write('server.key', key) }
    server = await startMariaDb({ folder: join(folder, 'data'), durable: false, bufferPool: '16M', tls })
    return (name) => `${server.url.replace('127.0.0.1', name)}?tls=true&ca=${encodeURIComponent(ca)}`
  }

  async function cipher(url: string): Promise<unknown> {
    const database = openDatabase(url)
    try {
      const [row] = await database.query("SHOW STATUS LIKE 'Ssl_cipher'")
      return row?.['Value']
    } finally {
      await database.close()
    }
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-tls-'))
  })

  afterEach(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('is made with the name that the certificate is for, under an authority of our own, and with no other', async () => {
    const at = await start('localhost')
    expect(await cipher(at('localhost'))).to.match(/^TLS_/)
    for (const [url, reason] of [
      [at('127.0.0.1'), /IP: 127\.0\.0\.1 is not in the cert's list/],
      [`${server.url.replace('127.0.0.1', 'localhost')}?tls=true`, /certificate/],
    ] as const) {
      const refused = await rejection(cipher(url))
      expect(refused).to.include({ code: 'DATABASE_UNAVAILABLE' })
      expect(refused.message)
        .to.match(/^No encrypted connection/)
        .and.match(reason)
    }
    // The one question about silent sessions goes to an address, and must trust the same name.
    const presence = await askPresence(parseDatabaseUrl(at('localhost')), { address: '127.0.0.1', reach: 5_000 })
    expect(presence.kind).to.equal('sessions')
  })

  it('is made with an IP address where the certificate is for that, and not with a name', async () => {
    const at = await start('127.0.0.1')
    expect(await cipher(at('127.0.0.1'))).to.match(/^TLS_/)
    expect(await rejection(cipher(at('localhost'))))
      .to.have.property('message')
      .that.matches(/^No encrypted connection.*does not match certificate/)
  })

  it('is not made without encryption where the server has none', async () => {
    server = await startMariaDb({ folder: join(folder, 'data'), durable: false, bufferPool: '16M' })
    expect(await rejection(cipher(`${server.url}?tls=true`)))
      .to.have.property('message')
      .that.matches(/^No encrypted connection.*does not support secure connection/)
  })
})
