import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exampleEvent } from '@tributary/events/examples'
import { freePort } from '@tributary/test/servers'
import { expect } from 'chai'
import { deliveryRequest } from './request.ts'
import { createSender } from './send.ts'
import { type SpiEvent, spiBody } from './spi-message.ts'
import { keyOf } from './testing/signing.ts'

const page = readFileSync(new URL('../../../docs/spi.md', import.meta.url), 'utf8')
const [, receiver = ''] = /```js\n([\s\S]*?)\n```/.exec(page) ?? []

/** Runs the page's receiver as it stands and waits until it listens. */
async function runReceiver(secret: string): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort()
  const code = `${receiver.replace(/\)$/, ", () => process.send?.('listening'))")}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, SPI_SECRET: secret, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  return { child, url: `http://127.0.0.1:${port}/spi` }
}

describe('The receiver in docs/spi.md', () => {
  for (const secret of ['whsec_c2VjcmV0LWZvci10ZXN0cy1vbmx5LTMyLWJ5dGVz', 'ein schlüssel, von hand geschrieben']) {
    it(`takes what is signed with its secret, and nothing else (${secret.slice(0, 6)}…)`, async () => {
      const { child, url } = await runReceiver(secret)
      const sender = createSender({ reach: { scope: 'internal', allow: [] } })
      const send = async (signedWith: string) => {
        const event = exampleEvent('OrderReceived', '01890000-0000-7000-8000-000000000001') as SpiEvent
        const body = spiBody(event, 'erased')
        const request = deliveryRequest({
          event,
          body,
          contract: 1,
          url,
          keys: [keyOf(signedWith)],
          now: Date.now(),
          traceparent: undefined,
        })
        return sender.send(request, { signal: new AbortController().signal })
      }
      try {
        expect(await send(secret)).to.include({ kind: 'delivered', status: 200 })
        expect(await send(`${secret.slice(0, -4)}AAAA`)).to.include({ kind: 'refused', status: 401 })
      } finally {
        await sender.close()
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    })
  }
})
