export type OrderQuery = {
  kind: 'query'
  by: 'creation' | 'modification'
  from: number
  to: number
  statuses: readonly string[] | undefined
  orderIds: readonly string[] | undefined
  limit: number
  offset: number
}

export type QueryRefusal = { kind: 'refused'; errorId: number; message: string }

const DAY = 86_400_000
const MOST_YEARS = 2

/** Reads the parameters of getOrders and refuses what eBay refuses (Fulfillment OpenAPI v1.20.7, getOrders, error ids). */
export function readOrderQuery(parameters: URLSearchParams, now: number): OrderQuery | QueryRefusal {
  const orderIds = parameters.get('orderIds')?.split(',')
  if (orderIds && orderIds.length > 50) return refused(30900, 'Exceeded maximum number of order IDs (the current limit is 50)')
  // With ids every other parameter is ignored.
  if (orderIds) return { kind: 'query', by: 'creation', from: 0, to: now, statuses: undefined, orderIds, limit: 50, offset: 0 }
  const limit = wholeNumber(parameters.get('limit') ?? '50')
  const offset = wholeNumber(parameters.get('offset') ?? '0')
  if (limit === undefined || limit < 1 || limit > 200) return refused(31100, `Invalid limit: ${parameters.get('limit')}`)
  if (offset === undefined) return refused(31000, `Invalid offset: ${parameters.get('offset')}`)
  const fieldGroups = parameters.get('fieldGroups')
  if (fieldGroups !== null && fieldGroups !== 'TAX_BREAKDOWN') return refused(32800, `Invalid field group: ${fieldGroups}`)
  const filter = readFilter(parameters.get('filter'), now)
  return filter.kind === 'refused' ? filter : { ...filter, kind: 'query', orderIds, limit, offset }
}

type Filter = { kind: 'filter' } & Pick<OrderQuery, 'by' | 'from' | 'to' | 'statuses'>

const FILTERS: readonly string[] = ['creationdate', 'lastmodifieddate', 'orderfulfillmentstatus']
const STATUS_CHOICES: readonly (string | undefined)[] = [undefined, '{NOT_STARTED|IN_PROGRESS}', '{FULFILLED|IN_PROGRESS}']

function readFilter(text: string | null, now: number): Filter | QueryRefusal {
  const parts = new Map((text?.match(/[^:,]+:(\[[^\]]*\]|\{[^}]*\}|[^,]*)/g) ?? []).map(nameAndValue))
  const strange = [...parts.keys()].find((name) => !FILTERS.includes(name))
  if (strange !== undefined || (text && parts.size === 0)) return refused(30700, `Invalid filter name: ${strange ?? text}`)
  const status = parts.get('orderfulfillmentstatus')
  if (!STATUS_CHOICES.includes(status)) return invalidValue('orderfulfillmentstatus', status ?? '')
  const statuses = status?.slice(1, -1).split('|')
  // With both dates only the creation date counts.
  const name = ['creationdate', 'lastmodifieddate'].find((one) => parts.has(one))
  if (name === undefined) return { kind: 'filter', by: 'creation', from: now - 90 * DAY, to: now, statuses }
  const range = readRange(name, parts.get(name) ?? '', now)
  if (range.kind === 'refused') return range
  return { kind: 'filter', by: name === 'creationdate' ? 'creation' : 'modification', from: range.from, to: range.to, statuses }
}

function nameAndValue(part: string): [string, string] {
  const colon = part.indexOf(':')
  return [part.slice(0, colon), part.slice(colon + 1)]
}

function readRange(name: string, value: string, now: number): { kind: 'range'; from: number; to: number } | QueryRefusal {
  const [, start, end] = /^\[(.*)\.\.(.*)\]$/.exec(value) ?? []
  if (start === undefined || end === undefined) return invalidValue(name, value)
  if (start === '') return refused(30820, 'Start date is missing')
  const from = readTime(start)
  const to = end === '' ? now : readTime(end)
  if (from === undefined || to === undefined) return refused(30810, 'Invalid date format')
  if (from > now || to > now) return refused(30850, "Start and end dates can't be in the future")
  if (from > to) return refused(30840, 'Start date should be before end date')
  if (to - from > MOST_YEARS * 366 * DAY)
    return refused(30830, `Time range between start date and end date must be within '${MOST_YEARS}' years.`)
  return { kind: 'range', from, to }
}

function readTime(text: string): number | undefined {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(text) ? Date.parse(text) : undefined
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function invalidValue(name: string, value: string): QueryRefusal {
  return refused(30800, `Invalid filter value ${value} for filter ${name}`)
}

function refused(errorId: number, message: string): QueryRefusal {
  return { kind: 'refused', errorId, message }
}
