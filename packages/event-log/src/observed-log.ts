import type { StoredEvent } from '@tributary/events'
import { codeOf, counter, currentTraceparent, histogram, inSpan, isSameTrace } from '@tributary/runtime'
import type { Appended, EventLog } from './port.ts'

/** A trace that names more is read by nobody. */
const MOST_LINKS = 32

const appended = counter({
  name: 'tributary_log_events_total',
  help: 'Events given to the log, and whether it kept them or knew them already.',
  labels: ['topic', 'type', 'outcome'],
})

const durations = histogram({
  name: 'messaging_client_operation_duration_seconds',
  help: 'How long appends to the log took until they were durable, waiting for others included.',
  labels: ['messaging_system', 'messaging_operation_name', 'messaging_destination_name', 'error_type'],
})

/**
 * A log whose appends are measured and, while telemetry is on, stand in the trace that made their events. It is the same
 * for every driver, so no driver has to, and nothing is patched. Names follow OpenTelemetry's conventions for messaging.
 *
 * An event of the active trace, or of none, leaves with the append as the place where its trace goes on; one that brings
 * another trace keeps that, and the append links to it.
 */
export function observedLog(log: EventLog): EventLog {
  const append: EventLog['append'] = async (topic, events, options) => {
    if (events.length === 0) return await log.append(topic, events, options)
    const started = performance.now()
    try {
      const places = await traced(log.driver, topic, events, (carried) => log.append(topic, carried, options))
      count(topic, events, places)
      record(log.driver, topic, started, '')
      return places
    } catch (error) {
      record(log.driver, topic, started, codeOf(error) ?? 'aborted')
      throw error
    }
  }
  return { ...log, append }
}

function count(topic: string, events: readonly StoredEvent[], places: readonly Appended[]): void {
  for (const [index, { type }] of events.entries())
    appended.add(1, { topic, type, outcome: places[index]?.appended === false ? 'known' : 'appended' })
}

function record(driver: string, topic: string, started: number, error: string): void {
  durations.record((performance.now() - started) / 1_000, {
    messaging_system: driver,
    messaging_operation_name: 'append',
    messaging_destination_name: topic,
    error_type: error,
  })
}

function traced(
  driver: string,
  topic: string,
  events: readonly StoredEvent[],
  append: (events: readonly StoredEvent[]) => Promise<Appended[]>,
): Promise<Appended[]> {
  const active = currentTraceparent()
  const isOther = ({ traceparent }: StoredEvent) =>
    traceparent !== undefined && (active === undefined || !isSameTrace(traceparent, active))
  const attributes = {
    'messaging.system': driver,
    'messaging.operation.name': 'append',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    ...(events.length > 1 ? { 'messaging.batch.message_count': events.length } : {}),
  }
  const links = events.filter(isOther).map(({ traceparent }) => traceparent)
  return inSpan(`append ${topic}`, { kind: 'producer', attributes, links: links.slice(0, MOST_LINKS) }, ({ traceparent }) =>
    append(traceparent === undefined ? events : events.map((event) => (isOther(event) ? event : { ...event, traceparent }))),
  )
}
