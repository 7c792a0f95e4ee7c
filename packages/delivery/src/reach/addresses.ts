import { BlockList, isIP, isIPv6 } from 'node:net'
import { type Network, parseNetwork } from '@tributary/runtime'

/**
 * Which addresses an endpoint may be dialled at. `public`: only what the Internet routes, because somebody else wrote the
 * URL. `internal`: also private networks and this machine, because the operator's own configuration says where the service
 * is. `allow` opens further networks, as `10.1.0.0/16` or `fd12::/48`; nothing else opens the rest of the closed ones. What
 * is `GUARDED` is not meant by a wide network: only one that lies wholly within a guarded one opens a part of it.
 */
export type Reach = { scope: 'public' | 'internal'; allow: readonly string[] }

/** Where services of one's own live (RFC 1918, RFC 4193, RFC 6598, loopback). */
const INTERNAL: readonly Network[] = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['::1', 128],
  ['fc00::', 7],
]

/**
 * What nobody delivers to (IANA special-purpose registries): this network, link-local with the clouds' metadata services,
 * protocol assignments, AS112 and AMT relays, documentation, benchmarks, multicast, reserved; and the IPv6 ranges that carry
 * an IPv4 address inside (NAT64, 6to4, Teredo, IPv4-compatible), which would lead around the rules for IPv4.
 */
const CLOSED: readonly Network[] = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
  // All that is not 2000::/3, the only part of IPv6 that the Internet routes, nor fc00::/7 above.
  ['::', 3],
  ['4000::', 2],
  ['8000::', 2],
  ['c000::', 3],
  ['e000::', 4],
  ['f000::', 5],
  ['f800::', 6],
  ['fe00::', 7],
]

/** Metadata services of clouds that stand inside networks which are open to somebody: AWS over IPv6, Alibaba, Oracle, Azure. */
const METADATA: readonly Network[] = [
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['168.63.129.16', 32],
]

/**
 * What `allow` opens only where it is meant: link-local and metadata services, which hold the keys of a whole machine, and
 * the ways around them, which are IPv6 ranges that carry an IPv4 address.
 */
const GUARDED: readonly Network[] = [
  ['169.254.0.0', 16],
  ['fe80::', 10],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
  ['::', 96],
  ...METADATA,
]

const internal = listOf(INTERNAL)
const closed = listOf(CLOSED)
const metadata = listOf(METADATA)
const guarded = listOf(GUARDED)

/** Makes the check of one address, as a resolver or a URL gives it. What is no network in `allow` opens nothing. */
export function reachable({ scope, allow }: Reach): (address: string) => boolean {
  const networks = allow.map(parseNetwork).filter((network) => network !== undefined)
  const opened = listOf(networks)
  const meant = listOf(networks.filter((network) => GUARDED.some((range) => lies(network, range))))
  return (given) => {
    const address = plain(given)
    if (isIP(address) === 0) return false
    // ::1 lies within what is closed for the IPv4 addresses that it can carry.
    const isLoopback = address === '::1'
    if (has(has(guarded, address) && !isLoopback ? meant : opened, address)) return true
    if (has(metadata, address) || (has(closed, address) && !isLoopback)) return false
    return scope === 'internal' || !has(internal, address)
  }
}

/** Whether a network lies wholly within another. */
const lies = ([address, bits]: Network, range: Network): boolean => bits >= range[1] && has(listOf([range]), address)

/** Apart, because a BlockList takes an IPv4 address for one of ::/3, as its mapped form is. */
type Networks = { ipv4: BlockList; ipv6: BlockList }

function listOf(networks: readonly Network[]): Networks {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const [address, bits] of networks) lists[familyOf(address)].addSubnet(address, bits, familyOf(address))
  return lists
}

const has = (lists: Networks, address: string): boolean => lists[familyOf(address)].check(address, familyOf(address))

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

/** Without zone, and an IPv4 address that is written as IPv6 (::ffff:a.b.c.d, RFC 4291 §2.5.5.2) as what it is. */
function plain(given: string): string {
  const [address = ''] = given.split('%')
  if (!isIPv6(address)) return address
  // The URL parser writes every IPv6 address in one way.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical)
  if (!mapped) return canonical
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
