import { Type } from 'typebox'

export const closed = { additionalProperties: false } as const

export const Id = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
export const Time = Type.Integer({ description: 'Milliseconds since 1970.' })
const printable = { minLength: 1, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]+$' }
/** Ids of marketplaces: whole in their columns, and equal after a round trip. */
export const Name = Type.String({
  ...printable,
  maxLength: 100,
  description: '1 to 100 characters, none of them a control character.',
})
export const Channel = Type.String({ pattern: '^[1-4]$', description: '1 eBay, 2 TikTok Shop, 3 Amazon, 4 Lazada.' })
/** Of a partition, or of an event in one. */
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
/** For people who look at it later. */
export const Reason = Type.String({
  ...printable,
  maxLength: 200,
  description: '1 to 200 characters, none of them a control character.',
})
export const Nothing = Type.Object({}, closed)

const number = '^(0|[1-9][0-9]{0,14})$'
/** Ids of rows have 53 bits, and 16 digits from September 2027 on; those of imported rows may have them now. */
const rowId = '^(0|[1-9][0-9]{0,15})$'
export const Milliseconds = Type.String({ pattern: number, description: 'Milliseconds since 1970.' })
/** Of every list: `cursor` is `next` of the page before. */
export const paging = {
  cursor: Type.Optional(Type.String({ pattern: rowId, description: '`next` of the page before.' })),
  limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|1[0-9]{2}|200)$', description: '1 to 200, default 50.' })),
}
export const Next = Type.Union([Type.String(), Type.Null()], {
  description: 'The `cursor` of the next page; null on the last.',
})

export const PAGE = 50

/** RFC 9457. */
export const ProblemDetails = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String({ description: 'Stable; match on this.' }),
  detail: Type.String({ description: 'For people: what was wrong and what to do.' }),
  instance: Type.String(),
})
