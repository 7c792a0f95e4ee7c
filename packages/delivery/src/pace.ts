/**
 * How many requests of one endpoint may be out at a time, and how many may begin in a second.
 *
 * The cap follows what the receiver bears, as TCP's window does (RFC 5681): while there is no sign of trouble each success
 * widens it, by one below `threshold` (so it doubles each round), by a part of one above. A sign of overload halves it,
 * once for all requests that were out when it came, and the half is the new threshold. After a failure of the whole
 * endpoint it begins at one. A cap that nobody filled says nothing and stays.
 */
export type Pace = {
  /** Requests that may be out now. */
  cap(): number
  /** Milliseconds until the next request may begin; 0 when it may now. */
  wait(): number
  /** Counts a request that begins, and answers its number for `hear`. */
  begin(): number
  /** Hears how a request went. `isFull`: as many were out as the cap allows. */
  hear(request: number, sign: 'good' | 'overload', isFull: boolean): void
  /** The endpoint is back after it failed as a whole. */
  restart(): void
}

export type PaceLimits = {
  /** The cap to begin with, and at most. */
  fresh: number
  widest: number
  /** Requests that may begin in a second; no limit when undefined. */
  perSecond?: number | undefined
}

/** `now` is a clock in milliseconds that only runs forward. */
export function createPace({ fresh, widest, perSecond }: PaceLimits, now: () => number): Pace {
  let cap = fresh
  let threshold = widest
  let requests = 0
  let heardUpTo = 0
  // A bucket that holds the requests of a second.
  let tokens = perSecond ?? 0
  let filledTime = now()

  const fill = (rate: number): void => {
    const time = now()
    tokens = Math.min(Math.max(1, rate), tokens + (Math.max(0, time - filledTime) / 1_000) * rate)
    filledTime = time
  }
  return {
    cap: () => Math.floor(cap),
    wait: () => {
      if (perSecond === undefined) return 0
      fill(perSecond)
      return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1_000)
    },
    begin: () => {
      tokens -= 1
      requests += 1
      return requests
    },
    hear: (request, sign, isFull) => {
      if (sign === 'good') {
        if (isFull) cap = Math.min(widest, cap + (cap < threshold ? 1 : 1 / cap))
        return
      }
      if (request <= heardUpTo) return
      heardUpTo = requests
      cap = Math.max(1, cap / 2)
      threshold = cap
    },
    restart: () => {
      threshold = Math.max(fresh, cap)
      cap = 1
      heardUpTo = requests
    },
  }
}
