import type { TSchema } from 'typebox'
import { CATALOGUE, type EventType } from '../catalogue.ts'
import { exampleEvent } from '../examples.ts'
import { derivedEventId } from '../ids.ts'
import { PersonalPartSchema } from '../normal-order.ts'
import { UPCASTERS } from '../upcasters.ts'
import { fieldsOf, type Schema } from './fields.ts'

const TYPES = Object.keys(CATALOGUE) as EventType[]

const INTRODUCTION = `# Events

Written from \`packages/events/src/catalogue.ts\` by \`npm run format\`; \`npm run check\` fails when the two differ.

Every event is a [CloudEvent 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) whose data is checked
against its JSON Schema when it is appended and when it is read. Beside the attributes that CloudEvents names stand
\`dataversion\` (the version of the type's schema), \`partitionkey\` (events of one key stand in one order) and \`traceparent\`
(W3C Trace Context). \`id\` is a UUID: of version 8, derived from what was received, or of version 7 for what we decide.
Times in the data are whole milliseconds since 1970; \`time\` is RFC 3339 in UTC.

A \`sealed\` field is a JWE that the vault opens until the key of the person, seller or corp it is about has been destroyed.`

/** The whole of docs/events.md. */
export const eventsPage = (): string => `${[INTRODUCTION, overview(), ...TYPES.map(section), personalPart()].join('\n\n')}\n`

const overview = (): string =>
  table(
    ['type', 'what happened'],
    TYPES.map((type) => [`[${type}](#${type.toLowerCase()})`, (CATALOGUE[type].schema as Schema).description ?? '']),
  )

const section = (type: EventType): string => {
  const { version, topic, key, schema } = CATALOGUE[type]
  return [
    `## ${type}`,
    (schema as Schema).description ?? '',
    `Version ${version} · topic \`${topic}\` · key \`${key}\`${olderVersions(type)}`,
    fieldTable(schema),
    `\`\`\`json\n${JSON.stringify(exampleEvent(type, derivedEventId('example', type)), null, 2)}\n\`\`\``,
  ].join('\n\n')
}

const olderVersions = (type: EventType): string => {
  const versions = Object.keys(UPCASTERS[type] ?? {})
  return versions.length === 0 ? '' : ` · still read: version ${versions.join(', ')}`
}

const personalPart = (): string =>
  [
    '## The sealed part of an order',
    'What `OrderReceived.sealed` opens to. A field that is absent, masked or aged out at the marketplace is left out.',
    fieldTable(PersonalPartSchema),
  ].join('\n\n')

const fieldTable = (schema: TSchema): string =>
  table(
    ['field', 'type', 'meaning'],
    fieldsOf(schema as Schema).map(({ path, type, description }) => [`\`${path}\``, type, description]),
  )

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
