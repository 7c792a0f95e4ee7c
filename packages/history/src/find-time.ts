import type { EventLog, Position } from '@tributary/event-log'

/**
 * The first position of a partition whose event the log took at `time` (milliseconds since 1970) or later; the end when
 * there is none. Recorded times of a partition grow but for the skew of clocks between processes, so the answer may be
 * off by events of the same moments. Reads one event for each halving. Throws EventLogError.
 */
export async function positionAt(
  log: EventLog,
  topic: string,
  partition: number,
  end: Position,
  time: number,
): Promise<Position> {
  let low = 0
  let high = end
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    const { events } = await log.read(topic, partition, middle, { limit: 1 })
    const [found] = events
    // Logs may have gaps: what was found may stand behind the middle, and nothing may be left of it.
    if (!found || found.position >= high) high = middle
    else if (found.recordedTime < time) low = found.position + 1
    else high = middle
  }
  return low
}
