import { type TSchema, Type } from 'typebox'
import { ContactCloudEventSchema, ContactMessageSchema } from '../contact-request.ts'
import { SPI_CONTRACT, SpiMessageSchema } from '../spi-message.ts'
import { ContactTestCloudEventSchema, ContactTestSchema, SpiTestSchema } from '../test-message.ts'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/**
 * A schema as receivers should have it. Ours are closed, so that nothing leaves unnoticed; theirs are open, because new
 * fields may come within a version.
 */
export function publishedSchema(schema: TSchema): Json {
  return opened(JSON.parse(JSON.stringify(schema)) as Json)
}

function opened(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(opened)
  if (schema === null || typeof schema !== 'object') return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name, value]) => !(name === 'additionalProperties' && value === false))
      .map(([name, value]) => [name, opened(value)]),
  )
}

/** The bodies of deliveries by the name of their schema in docs/schemas; a test by an operator is one of each. */
export const PUBLISHED = {
  'spi-message': {
    title: `Body of a call to an SPI service, version ${SPI_CONTRACT}`,
    schema: Type.Union([...SpiMessageSchema.anyOf, SpiTestSchema]),
  },
  'webhook-message': {
    title: 'Body of a webhook in the modes ce-binary and compat',
    schema: Type.Union([ContactMessageSchema, ContactTestSchema]),
  },
  'webhook-cloudevent': {
    title: 'Body of a webhook in the mode ce-structured',
    schema: Type.Union([ContactCloudEventSchema, ContactTestCloudEventSchema]),
  },
} as const satisfies Record<string, { title: string; schema: TSchema }>

export type PublishedName = keyof typeof PUBLISHED

/** A JSON Schema document of its own. */
export function schemaDocument(name: PublishedName): Json {
  const { title, schema } = PUBLISHED[name]
  const published = publishedSchema(schema) as { [name: string]: Json }
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title, ...published }
}
