import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A collector for the telemetry benchmark, in a process of its own: takes whatever comes and forgets it. Prints its address,
 * and ends with its standard input.
 */
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.stdin.resume().on('end', () => process.exit(0))
