const WRITTEN = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.\d+)? ?(Z|[+-]\d{2}:?\d{2})$/

/** Both forms in which Lazada writes a moment, `2018-10-31 10:18:27 +0700` and ISO 8601, and its milliseconds; NaN for none. */
export function readTime(text: string): number {
  if (/^\d{13}$/.test(text)) return Number(text)
  const [, day, time, zone] = WRITTEN.exec(text) ?? []
  if (zone === undefined) return Number.NaN
  return Date.parse(`${day}T${time}${zone === 'Z' ? zone : `${zone.slice(0, 3)}:${zone.slice(-2)}`}`)
}

/** As /orders/get wants it: ISO 8601 with an offset, in whole seconds. */
export const writeTime = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, '+00:00')
