import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { createSockets } from './sockets.ts'

describe('The sockets of kafkajs', () => {
  it('may be let go of as often as it disconnects, before they are connected and after they are closed', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const warnings: Error[] = []
    const note = (warning: Error) => void warnings.push(warning)
    process.on('warning', note)
    const sockets = createSockets(60_000)
    // A name is looked up first, so that there is no handle to let go of yet.
    const nothing = { onConnect: () => {} } as unknown as Parameters<typeof sockets.open>[0]
    const socket = sockets.open({ ...nothing, host: 'localhost', port })
    socket.on('error', () => {})
    const disconnect = () => socket.end().unref()
    for (let times = 0; times < 12; times += 1) disconnect()
    sockets.destroyAll()
    await once(socket, 'close')
    for (let times = 0; times < 12; times += 1) disconnect()
    await turn()
    process.off('warning', note)
    server.close()
    expect(warnings).to.deep.equal([])
  })

  it('end when something was said on them and nothing is answered, and not while nobody says anything', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const sockets = createSockets(60)
    const nothing = { onConnect: () => {} } as unknown as Parameters<typeof sockets.open>[0]
    const open = () => sockets.open({ ...nothing, host: '127.0.0.1', port })
    const [idle, asking] = [open(), open()]
    await Promise.all([once(idle, 'connect'), once(asking, 'connect')])
    asking.write('Who is there?')
    const [error] = await once(asking, 'error').catch((error: unknown) => [error])
    expect(error).to.have.property('message').that.includes('has not answered')
    expect(idle.destroyed).to.equal(false)
    sockets.destroyAll()
    server.close()
  })
})
