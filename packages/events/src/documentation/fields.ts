/** The parts of a JSON Schema that our schemas use. */
export type Schema = {
  type?: string
  description?: string
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  patternProperties?: Readonly<Record<string, Schema>>
  items?: Schema
  enum?: readonly unknown[]
  anyOf?: readonly Schema[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
}

/** One line of the table of fields: `order.lines[].sku`, its type in words, what it means. */
export type Field = { path: string; type: string; description: string }

/** Every field of an object schema, nested ones behind their parents: `a.b`, `list[].b`, `map.*`. */
export const fieldsOf = (schema: Schema, prefix = ''): Field[] => {
  const required = new Set(schema.required)
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    fieldAndBelow(`${prefix}${name}`, property, required.has(name)),
  )
}

const fieldAndBelow = (path: string, schema: Schema, isRequired: boolean): Field[] => {
  const field = { path, type: typeOf(schema) + (isRequired ? '' : ', may be absent'), description: schema.description ?? '' }
  const [values] = Object.values(schema.patternProperties ?? {})
  if (schema.items?.properties) return [field, ...fieldsOf(schema.items, `${path}[].`)]
  if (values) return [field, ...fieldAndBelow(`${path}.*`, values, true)]
  return [field, ...fieldsOf(schema, `${path}.`)]
}

const typeOf = (schema: Schema): string => {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ')
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ')
  if (schema.items) return `list of ${typeOf(schema.items)}`
  if (schema.type === 'integer') return 'whole number'
  if (schema.type === 'string')
    return schema.maxLength === undefined ? 'text' : `text of ${schema.minLength ?? 0} to ${schema.maxLength} characters`
  return schema.type ?? 'any'
}
