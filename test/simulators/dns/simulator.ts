import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export type SrvRecord = { priority: number; weight: number; port: number; target: string }

/** A name server on loopback that knows SRV records (RFC 2782), and says of every other name that it does not exist. */
export type DnsSimulator = {
  /** As a resolver takes it: address and port. */
  readonly server: string
  set(name: string, records: readonly SrvRecord[]): void
  /** From now on every answer is SERVFAIL, or what it should be again. */
  fail(isFailing: boolean): void
  close(): Promise<void>
}

const SRV = 33
const NXDOMAIN = 3
const SERVFAIL = 2

export async function createDnsSimulator(): Promise<DnsSimulator> {
  const known = new Map<string, readonly SrvRecord[]>()
  let isFailing = false
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const { name, end } = questionOf(query)
    const records = known.get(name)
    const code = isFailing ? SERVFAIL : records ? 0 : NXDOMAIN
    socket.send(answerTo(query.subarray(0, end), code, code === 0 ? (records ?? []) : []), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    server: `127.0.0.1:${socket.address().port}`,
    set: (name, records) => known.set(name.toLowerCase(), records),
    fail: (failing) => {
      isFailing = failing
    },
    close: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}

/** The name of the one question of a query (RFC 1035 §4.1.2), and where the question ends. */
function questionOf(query: Buffer): { name: string; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), end: at + 5 }
}

/** An authoritative answer: the head and question of the query, then the records, each by a pointer to the question's name. */
function answerTo(question: Buffer, code: number, records: readonly SrvRecord[]): Buffer {
  const head = Buffer.from(question)
  head.writeUInt16BE(0x8580 | code, 2)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  return Buffer.concat([head, ...records.map(recordOf)])
}

function recordOf({ priority, weight, port, target }: SrvRecord): Buffer {
  const name = Buffer.concat([
    ...target
      .split('.')
      .filter((label) => label !== '')
      .map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ])
  const head = Buffer.alloc(18)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(SRV, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(1, 6)
  head.writeUInt16BE(6 + name.length, 10)
  head.writeUInt16BE(priority, 12)
  head.writeUInt16BE(weight, 14)
  head.writeUInt16BE(port, 16)
  return Buffer.concat([head, name])
}
