const NAMES: Readonly<Record<number, string>> = { 1: 'ebay', 2: 'tiktok', 3: 'amazon', 4: 'lazada' }

/** The short name of a channel for commands, reports and metrics; that of a number nobody knows is the number. */
export const channelName = (channel: number): string => NAMES[channel] ?? String(channel)
