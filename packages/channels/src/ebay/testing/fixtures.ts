import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const OURS = new URL('../../../../../test/fixtures/ebay/', import.meta.url)
const SHARED = new URL('../../../../../../shared/fixtures/ebay/', import.meta.url)

/** The text of one of our fixtures. */
export function fixtureText(name: string): string {
  return readFileSync(new URL(name, OURS), 'utf8')
}

export function fixture<T>(name: string): T {
  return JSON.parse(fixtureText(name)) as T
}

/** The text of a shared fixture, or undefined where there are none. */
export function sharedFixtureText(name: string): string | undefined {
  const path = fileURLToPath(new URL(name, SHARED))
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

/** The texts of a folder's orders by name; the shared folder may be missing. */
export function orderFixtures(folder: 'ours' | 'shared'): Map<string, string> {
  const orders = new URL('synthetic/', folder === 'ours' ? OURS : SHARED)
  if (!existsSync(fileURLToPath(orders))) return new Map()
  const names = readdirSync(orders).filter((name) => name.startsWith('get-order.'))
  return new Map(names.map((name) => [name, readFileSync(new URL(name, orders), 'utf8')]))
}
