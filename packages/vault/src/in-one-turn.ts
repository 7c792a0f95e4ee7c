import { setImmediate as turn } from 'node:timers/promises'

/**
 * Makes one look-up of all that are asked for within one turn of the event loop. Webhooks that a busy process reads from their
 * sockets together would else hold a connection each. The look-up begins after every call that shares it. Its answer
 * may hold what others asked for; it throws, for all of them, what `look` throws.
 */
export function inOneTurn<K, V>(
  look: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>,
): (keys: readonly K[]) => Promise<ReadonlyMap<K, V>> {
  let gathering: { keys: Set<K>; found: Promise<ReadonlyMap<K, V>> } | undefined

  function begin() {
    const keys = new Set<K>()
    const found = turn().then(() => {
      gathering = undefined
      return look([...keys])
    })
    return { keys, found }
  }

  return (keys) => {
    gathering ??= begin()
    for (const key of keys) gathering.keys.add(key)
    return gathering.found
  }
}
