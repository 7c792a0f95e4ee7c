import type { Channel } from '@tributary/channels'
import { Problem } from '@tributary/runtime'
import type { RawRequest } from '@tributary/runtime/http'

/** The channel that the path names. Throws a 404 Problem for one that does not run here. */
export function channelOf(channels: ReadonlyMap<number, Channel>, request: RawRequest): Channel {
  const named = String(request.params['channel'])
  const channel = /^[1-9]\d?$/.test(named) ? channels.get(Number(named)) : undefined
  if (!channel) throw new Problem(404, 'CHANNEL_UNKNOWN', 'There is no such channel here.')
  return channel
}
