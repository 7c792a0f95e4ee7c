/** How long ago a time is that is in milliseconds since 1970; 0 for none, and for one that a faster clock made. */
export const secondsSince = (time: number | null, now: number): number => (time === null ? 0 : Math.max(0, now - time) / 1_000)
