/** Random numbers that a seed repeats: mulberry32, good enough for made-up orders and for histories. */
export type Random = {
  /** 0 to 1, without 1. */
  fraction(): number
  /** A whole number from 0 to `below`, without it. */
  below(below: number): number
  /** A whole number from `least` to `most`, both included. */
  from(least: number, most: number): number
  /** One of a list that is not empty. */
  pick<T>(choices: readonly T[]): T
  chance(probability: number): boolean
  digits(count: number): string
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0

  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  const below = (limit: number) => Math.floor(fraction() * limit)
  return {
    fraction,
    below,
    from: (least, most) => least + below(most - least + 1),
    pick: <T>(choices: readonly T[]) => choices[below(choices.length)] as T,
    chance: (probability) => fraction() < probability,
    digits: (count) => Array.from({ length: count }, () => below(10)).join(''),
  }
}
