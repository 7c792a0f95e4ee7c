import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Serves on loopback, on `port` or a free one, until it is closed, which ends every connection. */
export async function serve(application: RequestListener, port = 0): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer(application)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Posts a signed JSON body; the status of the answer, or 0 when there was none. */
export async function postSigned(
  to: string,
  { body, authorization }: { body: Buffer; authorization: string },
): Promise<number> {
  try {
    const headers = { authorization, 'content-type': 'application/json' }
    return (await fetch(to, { method: 'POST', body: new Uint8Array(body), headers })).status
  } catch {
    return 0
  }
}
