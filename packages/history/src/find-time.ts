import { type EventLog, type Position, readSlices } from '@tributary/event-log'

/** How far the clock of a process that appends may be from the right time, milliseconds. */
const SKEW = 60_000

/** Events of one read once it is near. */
const READ_EVENTS = 1_000

/**
 * The first position of a partition whose event the log took at `time` (milliseconds since 1970) or later; the end when
 * there is none. Recorded times of a partition grow but for the skew of clocks between processes: with halving alone one event
 * of a clock that is behind would lead past those before it. So it reads one event for each halving, down to a time before
 * which nothing recorded at `time` can stand, and from there on each. Throws EventLogError.
 */
export async function positionAt(
  log: EventLog,
  topic: string,
  partition: number,
  end: Position,
  time: number,
): Promise<Position> {
  const from = await halve(log, { topic, partition, end, time: time - 2 * SKEW })
  for await (const { events } of readSlices(log, topic, partition, { from, to: end, limit: READ_EVENTS })) {
    const found = events.find(({ recordedTime, position }) => recordedTime >= time || position >= end)
    if (found) return Math.min(found.position, end)
  }
  return end
}

async function halve(
  log: EventLog,
  { topic, partition, end, time }: { topic: string; partition: number; end: Position; time: number },
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
