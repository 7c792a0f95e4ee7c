import { type TSchema, Type } from 'typebox'

/** Said beside each value: what is expected, in words, and how to put it right. */
type Words = { expected: string; fix: string }

const closed = { additionalProperties: false } as const
export const section = <P extends Record<string, TSchema>>(properties: P) => Type.Object(properties, closed)
export const optional = Type.Optional

export const text = (words: Words, { pattern }: { pattern?: string } = {}) =>
  Type.String({ minLength: 1, ...(pattern === undefined ? {} : { pattern }), ...words })
export const count = (minimum: number, maximum: number, words: Words) => Type.Integer({ minimum, maximum, ...words })
export const oneOf = <const T extends string>(values: readonly T[]) =>
  Type.Enum(values, { expected: `one of ${values.join(', ')}`, fix: `Write one of: ${values.join(', ')}.` })

/** Sections under names of the operator's own, each of which stands in a column of so many characters. */
export const named = <S extends TSchema>(schema: S, longest: number) =>
  Type.Record(Type.String({ pattern: `^[^\\p{Cc}\\p{Cs}]{1,${longest}}$` }), schema, {
    ...closed,
    expected: `names of 1 to ${longest} characters`,
    fix: 'Choose a shorter name.',
  })

/** https everywhere but on this machine: requests to a marketplace carry tokens. */
export const webAddress = '^(https://|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])[:/])[^\\s]+$'

export const serviceUrl = text(
  { expected: 'an http or https address', fix: 'Write where the service of this name takes its calls.' },
  { pattern: '^https?://[^\\s]+$' },
)
