import type { Session } from '../port.ts'
import { Providers, readAnswer } from './answers.ts'
import type { SellerCall } from './call.ts'

/** How the lines of an order travel: `TFS` within the country, `NTFS` across borders; and the carrier, where it may be chosen. */
export type Allocation = { type: 'TFS' | 'NTFS'; providerCode: string | undefined }

/**
 * Asks Lazada how lines may travel (/order/shipment/providers/get); a pack that says it otherwise is refused. A carrier is named
 * only when ours is one of those that may be chosen, by its name or its code; for all others Lazada has the choice. Throws ChannelError.
 */
export async function readAllocation(
  call: SellerCall,
  session: Session,
  { orderId, lineIds, carrier }: { orderId: string; lineIds: readonly string[]; carrier: string },
  signal: AbortSignal,
): Promise<Allocation> {
  const path = '/order/shipment/providers/get'
  // Ids have up to 16 digits: written into the text, they stay whole.
  const getShipmentProvidersReq = `{"orders":[{"order_id":${orderId},"order_item_ids":[${lineIds.join(',')}]}]}`
  const text = await call(session, { what: path, method: 'POST', path, parameters: { getShipmentProvidersReq } }, signal)
  const { data } = readAnswer(Providers, text, path).result
  const wanted = carrier.trim().toLowerCase()
  const chosen = data?.shipment_providers?.find(({ name = '', provider_code: code = '' }) =>
    [name, code].some((one) => one !== '' && one.toLowerCase() === wanted),
  )
  return { type: data?.shipping_allocate_type === 'NTFS' ? 'NTFS' : 'TFS', providerCode: chosen?.provider_code }
}
