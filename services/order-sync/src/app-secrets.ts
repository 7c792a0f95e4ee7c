import type { Channel } from '@tributary/channels'
import { type Connection, listApps } from '@tributary/database'

const DAY = 24 * 60 * 60_000

/** An app whose client secret ends; `days` is below 0 when it has. */
export type EndingSecret = { channel: number; app: number; days: number }

/**
 * Apps whose secret the marketplace ends within `reminderDays`. Nothing says when a secret was made; it is taken to be as old as the last
 * change of its row (`tributary app set-secret`). Throws DatabaseError.
 */
export async function endingSecrets(
  connection: Connection,
  channels: ReadonlyMap<number, Pick<Channel, 'secretLife'>>,
  { now, reminderDays }: { now: number; reminderDays: number },
): Promise<EndingSecret[]> {
  const apps = await listApps(connection)
  return apps.flatMap(({ id, channel, changedTime }) => {
    const life = channels.get(channel)?.secretLife
    const days = life === undefined ? Number.POSITIVE_INFINITY : Math.floor((changedTime + life - now) / DAY)
    return days < reminderDays ? [{ channel, app: id, days }] : []
  })
}
