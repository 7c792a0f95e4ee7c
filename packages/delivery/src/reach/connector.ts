import { type LookupAddress, lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { DeliveryError } from '../errors.ts'
import { type Reach, reachable } from './addresses.ts'

type Resolve = (hostname: string, done: (error: Error | null, addresses: LookupAddress[]) => void) => void

/**
 * Who asks for a name that is being asked for waits for that answer. Names are looked up in two threads of the whole process (libuv's
 * for slow work), so a name whose servers do not answer would have both: whoever connects anywhere else would wait behind it.
 */
export function sharing(resolve: Resolve): Resolve {
  const waiting = new Map<string, Parameters<Resolve>[1][]>()
  return (hostname, done) => {
    const others = waiting.get(hostname)
    if (others) {
      others.push(done)
      return
    }
    const all = [done]
    waiting.set(hostname, all)
    resolve(hostname, (error, addresses) => {
      waiting.delete(hostname)
      for (const one of all) one(error, addresses)
    })
  }
}

const resolveWithSystem: Resolve = sharing((hostname, done) =>
  lookup(hostname, { all: true }, (error, addresses) => done(error, addresses ?? [])),
)

/**
 * Connects only to addresses within reach. What is checked is what is dialled: the name is resolved once, and the
 * connection goes to an address of that very answer, so that a name which resolves to something else a moment later
 * gains nothing. Fails with DELIVERY_ADDRESS_REFUSED before a packet leaves. `tls` is what we show who asks for it, PEM;
 * `resolve` is for tests.
 */
export function guardedConnector(
  reach: Reach,
  options: { timeout: number; tls?: { cert?: string; key?: string }; resolve?: Resolve },
): buildConnector.connector {
  const isReachable = reachable(reach)
  const resolve = options.resolve ?? resolveWithSystem
  const guardedLookup: LookupFunction = (hostname, { all }, done) => {
    resolve(hostname, (error, found) => {
      const open = found.filter(({ address }) => isReachable(address))
      const [first] = open
      if (error) done(error, '')
      else if (!first) done(refused(hostname), '')
      else if (all) done(null, open)
      else done(null, first.address, first.family)
    })
  }
  const connect = buildConnector({ ...options.tls, timeout: options.timeout, lookup: guardedLookup })
  return (target, done) => {
    // A name that is an address is never looked up.
    const literal = literalOf(target.hostname)
    if (isIP(literal) !== 0 && !isReachable(literal)) done(refused(literal), null)
    else connect(target, done)
  }
}

/**
 * Whether deliveries to a URL may be dialled as things stand: `unresolved` when its name has no address now, or none within
 * `timeout` milliseconds. The dial itself decides anew.
 */
export async function lookAtReach(
  url: string,
  reach: Reach,
  { timeout }: { timeout: number },
): Promise<'reachable' | 'refused' | 'unresolved'> {
  const isReachable = reachable(reach)
  const literal = literalOf(new URL(url).hostname)
  if (isIP(literal) !== 0) return isReachable(literal) ? 'reachable' : 'refused'
  const found = await new Promise<readonly LookupAddress[]>((resolve) => {
    const timer = setTimeout(() => resolve([]), timeout)
    resolveWithSystem(literal, (error, addresses) => {
      clearTimeout(timer)
      resolve(error ? [] : addresses)
    })
  })
  if (found.length === 0) return 'unresolved'
  return found.some(({ address }) => isReachable(address)) ? 'reachable' : 'refused'
}

/** A host of a URL without the brackets of an IPv6 address. */
const literalOf = (hostname: string): string => hostname.replace(/^\[|\]$/g, '')

const refused = (hostname: string): DeliveryError =>
  new DeliveryError('DELIVERY_ADDRESS_REFUSED', `'${hostname}' is at no address that deliveries may go to`, {
    retriable: true,
  })
