import { type DeliveryTry, type EndpointDefinition, readStanding, readTries, type Standing } from '@tributary/delivery'
import { endpointDefinitions } from '@tributary/dispatcher'
import type { RecordedEvent } from '@tributary/event-log'
import { decodeEvent, type Event, type StoredEvent } from '@tributary/events'
import { printable, printLine, printRows } from '../output.ts'
import type { LogAccess } from '../setting-up.ts'
import { locate } from './events.ts'

type AtEndpoint = { endpoint: string; standing: Standing | 'not for it'; tries: DeliveryTry[] }

/** Prints where one event stands at every endpoint of its topic, and its tries there. */
export async function showDelivery(access: LogAccess, name: string, { json }: { json?: boolean }): Promise<void> {
  const recorded = await locate(access, name)
  const { topic, partition, position, event } = recorded
  const endpoints = (await endpointDefinitions(access)).filter((endpoint) => endpoint.topic === topic)
  const found = await Promise.all(endpoints.map((endpoint) => at(access, endpoint, recorded)))
  const place = `${topic}/${partition}/${position}`
  const time = new Date(recorded.recordedTime).toISOString()
  if (json) printLine(JSON.stringify({ id: event.id, type: event.type, place, recorded: time, endpoints: found.map(readable) }))
  else {
    printLine(`${event.type} ${event.id}, ${place}, recorded ${time}`)
    for (const one of found) print(one)
  }
}

async function at({ database }: LogAccess, definition: EndpointDefinition, recorded: RecordedEvent): Promise<AtEndpoint> {
  const { topic, partition, position, event } = recorded
  const endpoint = definition.name
  const delivery = { endpoint, topic, partition, position }
  const [standing, tries] = await Promise.all([readStanding(database, delivery), readTries(database, delivery)])
  const isOurs = (standing !== 'none' && standing !== 'ahead') || (await isFor(definition, event))
  return { endpoint, standing: isOurs ? standing : 'not for it', tries }
}

async function isFor({ types, route }: EndpointDefinition, event: StoredEvent): Promise<boolean> {
  if (!(types as readonly string[]).includes(event.type)) return false
  const decoded = decodedOf(event)
  // What cannot be read is parked, whoever it is for.
  if (!decoded) return true
  const [answer] = await route([decoded])
  return answer !== 'pass'
}

function decodedOf(event: StoredEvent): Event | undefined {
  try {
    return decodeEvent(event)
  } catch {
    return undefined
  }
}

const readable = ({ tries, ...rest }: AtEndpoint) => ({
  ...rest,
  tries: tries.map(({ time, ...one }) => ({ ...one, time: new Date(time).toISOString() })),
})

const WORDS: Partial<Record<AtEndpoint['standing'], string>> = {
  waiting: 'waits behind another event of its key',
  'given-up': 'given up',
  ahead: 'still to come',
  none: 'nothing known: lost, or its attempts were dropped for their age',
}

/** Characters of an answer in a table. */
const SHOWN = 80

function print({ endpoint, standing, tries }: AtEndpoint): void {
  printLine('')
  printLine(`${endpoint}: ${WORDS[standing] ?? standing}`)
  if (tries.length === 0) return
  printRows(
    tries.map(({ attempt, time, outcome, reason, status, durationMs, keyId, answer }) => ({
      try: attempt,
      time: new Date(time).toISOString(),
      outcome,
      reason,
      status,
      ms: durationMs,
      key: keyId,
      answer: printable(answer).slice(0, SHOWN),
    })),
    {},
  )
}
