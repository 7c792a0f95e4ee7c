import { type GeneratedFile, writeOrCheck } from '@tributary/events/documentation'
import { openApiDocument } from './openapi.ts'
import { PUBLISHED, type PublishedName, schemaDocument } from './schemas.ts'

// Writes docs/schemas; with --check, fails instead when a file says anything else.
const file = (name: string, document: unknown): GeneratedFile => ({
  name: `docs/schemas/${name}`,
  url: new URL(`../../../../docs/schemas/${name}`, import.meta.url),
  text: `${JSON.stringify(document, null, 2)}\n`,
})
const names = Object.keys(PUBLISHED) as PublishedName[]
await writeOrCheck(
  [
    ...names.map((name) => file(`${name}.schema.json`, schemaDocument(name))),
    file('deliveries.openapi.json', openApiDocument()),
  ],
  process.argv,
)
