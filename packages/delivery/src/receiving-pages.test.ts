import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ContactPart, derivedEventId } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { freePort } from '@tributary/test/servers'
import { expect } from 'chai'
import { type ContactBody, contactAttributes, contactData, contactRequest, newSecret, publicKeyText } from './index.ts'
import { type DeliveryRequest, deliveryRequest } from './request.ts'
import { createSender } from './send.ts'
import { type SpiEvent, spiBody } from './spi-message.ts'
import { rawServer } from './testing/raw-server.ts'
import { keyOf } from './testing/signing.ts'

const page = (name: string) => readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8')
const codeIn = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\``, 'g'))].map(([, code = '']) => code)
const [receiver = '', verifier = ''] = codeIn(page('receiving'), 'js')

const id = '01890000-0000-7000-8000-000000000001'
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function call(url: string, secrets: readonly string[], now = Date.now()): DeliveryRequest {
  const event = { ...exampleEvent('PersonalDataErased', id), source: '/tributary/ingest' } as SpiEvent
  const body = spiBody(event, 'erased')
  return deliveryRequest({ event, body, contract: 1, url, keys: secrets.map(keyOf), now, traceparent })
}

function webhook(url: string, secret: string, now: number): DeliveryRequest {
  const data = { suiteId: 'wwfeed0000000000aa', authCorpId: 'wpFIXTUREcorpAAAA000000000000001' }
  const event = exampleEvent('ContactChanged', derivedEventId('page', 21), {
    data: { ...data, changeType: 'update_user', timestamp: 1_767_225_621 },
  })
  const userId = 'woFIXTUREuserAAAA000000000000001'
  const fields = { UserID: userId, OpenUserID: userId, Department: '2,5', MainDepartment: '5', IsLeaderInDept: '0,0' }
  const part: ContactPart = { receiveId: '', fields }
  const body = { attributes: contactAttributes(event, part), data: contactData(event, part, 'thin') } satisfies ContactBody
  const delivered = { event, partition: 0, position: 21, recordedTime: now } as Parameters<
    typeof contactRequest
  >[1]['delivered']
  const target = { url, keys: [keyOf(secret)] }
  return contactRequest('ce-binary', { delivered, body: JSON.stringify(body), target, now, traceparent: undefined })
}

async function send(request: DeliveryRequest): Promise<{ kind: string; status: number }> {
  const sender = createSender({ reach: { scope: 'internal', allow: [] } })
  try {
    return await sender.send(request, { signal: new AbortController().signal })
  } finally {
    await sender.close()
  }
}

/** Runs the page's receiver as it stands and waits until it listens. */
async function runReceiver(secret: string): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort()
  const code = `${receiver.replace(/\)$/, ", () => process.send?.('listening'))")}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, SIGNING_SECRET: secret, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  return { child, url: `http://127.0.0.1:${port}/spi` }
}

/** A secret in the form that the page says to give to the libraries. */
const forLibraries = (secret: string) =>
  secret.startsWith('whsec_') ? secret : `whsec_${Buffer.from(secret, 'utf8').toString('base64')}`

describe('The receiver in docs/receiving.md', () => {
  for (const secret of ['whsec_c2VjcmV0LWZvci10ZXN0cy1vbmx5LTMyLWJ5dGVz', 'ein schlüssel, von hand geschrieben']) {
    it(`takes what is signed with its secret, also among others, and nothing else (${secret.slice(0, 6)}…)`, async () => {
      const { child, url } = await runReceiver(forLibraries(secret))
      try {
        expect(await send(call(url, [secret]))).to.include({ kind: 'delivered', status: 200 })
        expect(await send(call(url, [newSecret('v1a'), newSecret('v1'), secret]))).to.include({
          kind: 'delivered',
          status: 200,
        })
        expect(await send(call(url, [`${secret.slice(0, -4)}AAAA`]))).to.include({ kind: 'refused', status: 401 })
      } finally {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    })
  }
})

describe('The check of v1a in docs/receiving.md', () => {
  it('takes what is signed with the private key, also among others, in time, and nothing else', async () => {
    const { isSigned } = await import(`data:text/javascript,${encodeURIComponent(verifier)}`)
    const [secret, other] = [newSecret('v1a'), newSecret('v1a')]
    const key = keyOf(secret)
    const whpk = key.kind === 'v1a' ? publicKeyText(key.privateKey) : ''
    const isTaken = ({ headers, body }: DeliveryRequest) => isSigned(whpk, headers, body)
    expect(isTaken(call('', [secret]))).to.equal(true)
    expect(isTaken(call('', [newSecret('v1'), other, secret]))).to.equal(true)
    expect(isTaken(call('', [other, newSecret('v1')]))).to.equal(false)
    expect(isTaken(call('', [secret], Date.now() - 301_000))).to.equal(false)
    expect(isTaken({ ...call('', [secret]), body: '{}' })).to.equal(false)
  })
})

describe('The requests that the pages of receivers show', () => {
  const secret = 'whsec_ZXhhbXBsZS1vbmx5LW5ldmVyLXVzZS10aGlzLWtleQ=='
  const shown = { spi: '/spi/order', webhooks: '/api/changeContact' }
  const made = {
    spi: (url: string) => call(url, [secret], 1_795_425_330_000),
    webhooks: (url: string) => webhook(url, secret, 1_767_225_624_000),
  }
  for (const name of ['spi', 'webhooks'] as const) {
    it(`are what goes over the wire, to the byte (docs/${name}.md)`, async () => {
      let came = Buffer.alloc(0)
      let body = ''
      const server = await rawServer((socket, first) => {
        const take = (chunk: Buffer) => {
          came = Buffer.concat([came, chunk])
          if (came.toString('utf8').endsWith(body)) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
        }
        socket.on('data', take)
        take(first)
      })
      try {
        const request = made[name](`http://127.0.0.1:${server.port}${shown[name]}`)
        body = request.body
        expect(await send(request)).to.include({ kind: 'delivered' })
      } finally {
        await server.close()
      }
      expect(page(name)).to.include(`\`${secret}\``)
      const [block = ''] = codeIn(page(name), 'http')
      const onTheWire = came
        .toString('utf8')
        .replace(`host: 127.0.0.1:${server.port}`, 'host: receiver.example')
        .replaceAll('\r\n', '\n')
      expect(block).to.equal(onTheWire)
    })
  }
})
