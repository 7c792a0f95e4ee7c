/** Who follows a group, and who reads which partition. `owner` is empty or the id of a member, maybe a dead one. */
export type GroupView = {
  /** Ids of the members that are alive. */
  members: readonly string[]
  leases: readonly { partition: number; owner: string; available: boolean }[]
}

/** What one member should do next: `take` what nobody reads, give back what others should have. */
export type Share = { take: number[]; giveBack: number[] }

/**
 * An even share for `member`, changing as little as possible: everybody gets the same number of partitions, and where
 * that doesn't come out even, those that hold more keep one more. Each member computes this alone; when their views
 * agree so do the results, and when they don't for a moment the next look mends it.
 */
export function shareOf(member: string, { members, leases }: GroupView): Share {
  const alive = new Set(members)
  const held = (id: string) => leases.filter((lease) => lease.owner === id)
  const ranked = members
    .map((id) => ({ id, count: held(id).length }))
    .sort((a, b) => b.count - a.count || (a.id < b.id ? -1 : 1))
  const rank = ranked.findIndex(({ id }) => id === member)
  const least = Math.floor(leases.length / members.length)
  const quota = least + (rank < leases.length % members.length ? 1 : 0)
  const mine = held(member).map((lease) => lease.partition)
  const free = leases.filter((lease) => lease.available && !alive.has(lease.owner)).map((lease) => lease.partition)
  return { take: free.slice(0, Math.max(0, quota - mine.length)), giveBack: mine.slice(quota) }
}
