import { ChannelError } from '../port.ts'

/** Where a page begins, how many orders it asks for, and how many orders the window held on the page before. */
export type PageToken = { offset: number; limit: number; total: number | null }

export function writePageToken({ offset, limit, total }: PageToken): string {
  return `${offset}.${limit}.${total ?? ''}`
}

/** Throws CHANNEL_REQUEST_REFUSED (bug) for a token that is not ours. */
export function readPageToken(token: string): PageToken {
  const [, offset, limit, total] = /^(\d{1,9})\.(\d{1,3})\.(\d{0,9})$/.exec(token) ?? []
  if (!offset || !limit || total === undefined)
    throw new ChannelError('CHANNEL_REQUEST_REFUSED', 'This page token was not made by the eBay channel', { remedy: 'bug' })
  return { offset: Number(offset), limit: Number(limit), total: total === '' ? null : Number(total) }
}

/**
 * The page after `page`, or null. eBay pages by offset over a live result: an order that is modified while we page leaves the
 * window, and those behind it move forward over the edge of a page, unseen. The total tells: when it shrank by n since the
 * page before, the n places in front of this page are read again. Seeing an order twice does no harm.
 */
export function pageAfter(page: PageToken, answer: { count: number; total: number | null; more: boolean }): PageToken | null {
  const left = page.total !== null && answer.total !== null ? Math.max(0, page.total - answer.total) : 0
  const again = Math.min(left, page.offset)
  if (again > 0) return { offset: page.offset - again, limit: page.limit, total: answer.total }
  if (!answer.more || answer.count === 0) return null
  return { offset: page.offset + answer.count, limit: page.limit, total: answer.total }
}
