import { type EventData, ORDER_TOPIC } from '@tributary/events'
import type { KeyState, OpenedEvent, Projection, Remark, Row } from '@tributary/projection'
import { cutToCodePoints, type DraftRow, newAudit, settle, storableText } from '@tributary/projection/folding'
import { type AttachInfo, readAttachInfo } from './attach-info.ts'
import { joinCodes } from './spi-server-codes.ts'
import { LONGEST_EXPIRY, LONGEST_NAME, SELLER_LIMITS, SELLER_TABLE, TABLES, TOKEN_LIMIT } from './tables.ts'

/**
 * Sellers: one row for each seller that ever let an app act for it, with the refresh token as it stands sealed in the log.
 *
 * - What the marketplace said last counts, by its own time: a consent, a new token, the end of the grant. What is older
 *   changes nothing when it is heard late. A new token and an end say of which consent they are, where they know, and touch
 *   none that was given later: whoever asked may not have seen it yet.
 * - When a grant ends the row loses its token, `refresh_token_expires_time` says when, and `attach_info.deauthorized`
 *   says why. The row is not deleted: the seller's orders point to it, and those still under way are delivered by its
 *   `spi_server_codes`. An empty token is what tells that the marketplace cannot be asked.
 * - A new consent revives the row under its old id.
 * - `spi_server_codes` are the operator's word, which has no time at the source: the last in the log count.
 * An event about a seller that never consented has no row to change, and changes nothing.
 */
export const sellers: Projection = {
  name: 'sellers',
  topic: ORDER_TOPIC,
  types: ['SellerAuthorized', 'SellerTokenRotated', 'SellerConfigured', 'SellerDeauthorized'],
  tables: TABLES,
  key: (event) => (isAboutSeller(event) ? [event.data.channel, event.data.sellerId] : undefined),
  fold: (state, event) => {
    const before = state[SELLER_TABLE]?.[0]
    if (!isAboutSeller(event)) return { state, remarks: [] }
    const time = Date.parse(event.time)
    const row = before ?? (event.type === 'SellerAuthorized' ? blankRow(event.data, time) : undefined)
    if (row === undefined) return { state, remarks: [] }
    const draft: Draft = { row: { ...row }, info: readAttachInfo(row['attach_info'] ?? null), remarks: [] }
    apply(draft, event)
    draft.row['attach_info'] = JSON.stringify(draft.info)
    const after = settle(before, draft.row, time)
    return { state: after === before ? state : ({ [SELLER_TABLE]: [after] } satisfies KeyState), remarks: draft.remarks }
  },
}

type SellerEvent = Extract<
  OpenedEvent,
  { type: 'SellerAuthorized' | 'SellerTokenRotated' | 'SellerConfigured' | 'SellerDeauthorized' }
>
type Draft = { row: DraftRow; info: AttachInfo; remarks: Remark[] }

const isAboutSeller = (event: OpenedEvent): event is SellerEvent => sellers.types.includes(event.type)

const apply = (draft: Draft, event: SellerEvent): void => {
  switch (event.type) {
    case 'SellerAuthorized':
      authorize(draft, event.data)
      break
    case 'SellerTokenRotated':
      rotate(draft, event.data)
      break
    case 'SellerConfigured':
      setCodes(draft, event.data.spiServerCodes)
      break
    case 'SellerDeauthorized':
      deauthorize(draft, event.data)
      break
  }
}

const blankRow = ({ rowId, channel, sellerId, appId }: EventData<'SellerAuthorized'>, time: number): Row => ({
  id: rowId,
  channel,
  seller_id: sellerId,
  order_app_id: appId,
  region: '',
  spi_server_codes: '',
  refresh_token: '',
  refresh_token_expires_in: 0,
  refresh_token_expires_time: 0,
  attach_info: null,
  ...newAudit(time),
})

const authorize = (draft: Draft, data: EventData<'SellerAuthorized'>): void => {
  const { row, info } = draft
  if (data.spiServerCodes !== null) setCodes(draft, data.spiServerCodes)
  if (data.authorizedTime < (info.authorizedTime ?? -1)) {
    noteStale(draft, 'SellerAuthorized')
    return
  }
  info.sellerName = cutToCodePoints(storableText(data.sellerName), LONGEST_NAME)
  info.authorizedTime = data.authorizedTime
  row['order_app_id'] = data.appId
  row['region'] = cutToCodePoints(storableText(data.region), SELLER_LIMITS.region)
  row['deleted'] = 0
  const { rotatedTime = -1, rotatedGrantTime } = info
  if (rotatedGrantTime === undefined ? data.authorizedTime < rotatedTime : data.authorizedTime <= rotatedGrantTime) return
  delete info.rotatedTime
  delete info.rotatedGrantTime
  showToken(draft, data.authorizedTime, data, data.authorizedTime)
}

const rotate = (draft: Draft, data: EventData<'SellerTokenRotated'>): void => {
  const { info } = draft
  if (isOfEarlierGrant(info, data) || data.rotatedTime < grantTime(info)) {
    noteStale(draft, 'SellerTokenRotated')
    return
  }
  info.rotatedTime = data.rotatedTime
  if (data.authorizedTime === undefined) delete info.rotatedGrantTime
  else info.rotatedGrantTime = data.authorizedTime
  showToken(draft, data.rotatedTime, data, data.authorizedTime ?? info.authorizedTime ?? -1)
}

const deauthorize = (draft: Draft, data: EventData<'SellerDeauthorized'>): void => {
  const { row, info } = draft
  const { reason, deauthorizedTime, authorizedTime } = data
  if (isOfEarlierGrant(info, data) || deauthorizedTime < Math.max(grantTime(info), info.deauthorized?.time ?? -1)) {
    noteStale(draft, 'SellerDeauthorized')
    return
  }
  info.deauthorized = {
    reason,
    time: deauthorizedTime,
    ...(authorizedTime === undefined ? {} : { grantTime: authorizedTime }),
  }
  row['refresh_token'] = ''
  row['refresh_token_expires_in'] = 0
  row['refresh_token_expires_time'] = deauthorizedTime
}

/** When we last know the grant to have stood. */
const grantTime = ({ authorizedTime, rotatedTime }: AttachInfo): number => Math.max(authorizedTime ?? -1, rotatedTime ?? -1)

/** Whether a consent is known that was given after the one that this is about. */
const isOfEarlierGrant = (info: AttachInfo, { authorizedTime }: { authorizedTime?: number | undefined }): boolean =>
  authorizedTime !== undefined && authorizedTime < Math.max(info.authorizedTime ?? -1, info.rotatedGrantTime ?? -1)

type Token = Pick<EventData<'SellerTokenRotated'>, 'sealed' | 'refreshTokenExpiresIn' | 'refreshTokenExpiresTime'>

/**
 * Shows a token given at `time` under the consent of `grantTime`, unless that ended after it. It is kept whole or not at all: part of one
 * opens nothing.
 */
const showToken = ({ row, info, remarks }: Draft, time: number, token: Token, grantTime: number): void => {
  const { deauthorized } = info
  if (deauthorized && deauthorized.time > time && (deauthorized.grantTime ?? grantTime) >= grantTime) return
  delete info.deauthorized
  const fits = token.sealed === null || token.sealed.length <= TOKEN_LIMIT
  row['refresh_token'] = fits ? (token.sealed ?? '') : ''
  row['refresh_token_expires_in'] = Math.min(token.refreshTokenExpiresIn, LONGEST_EXPIRY)
  row['refresh_token_expires_time'] = token.refreshTokenExpiresTime
  if (!fits) remarks.push(remark('truncated', 'refresh_token', `left out, longer than ${TOKEN_LIMIT} bytes`))
}

const setCodes = ({ row, remarks }: Draft, codes: readonly string[]): void => {
  const { text, leftOut } = joinCodes(codes, SELLER_LIMITS.spi_server_codes)
  row['spi_server_codes'] = text
  if (leftOut > 0) remarks.push(remark('truncated', 'spi_server_codes', `${leftOut} of ${codes.length} codes left out`))
}

const noteStale = ({ remarks }: Draft, type: string): void => {
  remarks.push(remark('stale', 'attach_info', `${type} older than what is known`))
}

const remark = (kind: Remark['kind'], column: string, detail: string): Remark => ({ kind, table: SELLER_TABLE, column, detail })
