import type { PersonalPart } from '@tributary/events'
import { type Field, type FieldReader, known } from '../reading/fields.ts'

/** Lazada writes the name of a country where its column takes ISO 3166-1 alpha-2. */
const COUNTRIES: ReadonlyMap<string, string> = new Map([
  ['singapore', 'SG'],
  ['malaysia', 'MY'],
  ['thailand', 'TH'],
  ['philippines', 'PH'],
  ['indonesia', 'ID'],
  ['vietnam', 'VN'],
  ['viet nam', 'VN'],
])

/**
 * What an order and its lines say about the buyer and the receiver. Lazada masks names and phones with stars: a value with a
 * star in it is left out, never taken for the real one. `country` is the one of the seller's grant.
 */
export function readPersonal(
  read: FieldReader,
  { order, items, country }: { order: Field; items: readonly Field[]; country: string },
): Pick<PersonalPart, 'buyer' | 'receiver'> {
  const shipping = read.member(order, 'address_shipping')
  const unmasked = (parent: Field, key: string) => {
    const value = plain(read, read.member(parent, key))
    return value?.includes('*') ? undefined : value
  }
  const joined = (parts: readonly (string | undefined)[], separator: string) =>
    parts.filter((part) => part !== undefined).join(separator) || undefined
  const vat = unmasked(order, 'tax_code')
  const national = unmasked(order, 'national_registration_number')
  const name = joined([unmasked(order, 'customer_first_name'), unmasked(order, 'customer_last_name')], ' ')
  const receiverName = joined([unmasked(shipping, 'first_name'), unmasked(shipping, 'last_name')], ' ')
  const lines = ['address1', 'address2', 'address3', 'address4', 'address5'].map((key) => unmasked(shipping, key))
  const named = unmasked(shipping, 'country')
  return {
    buyer: known({
      id: items.map((item) => plain(read, read.member(item, 'buyer_id'))).find((id) => id !== undefined),
      name,
      phone: unmasked(shipping, 'phone'),
      taxId: vat ?? national,
      taxType: vat !== undefined ? 'VAT' : national !== undefined ? 'NRN' : undefined,
      remark: ['buyer_note', 'remarks', 'gift_message'].map((key) => plain(read, read.member(order, key))).find(Boolean),
    }),
    receiver: known({
      name: receiverName,
      addressLine1: lines[0],
      addressLine2: lines[1],
      addressDetail: lines[0] === undefined ? undefined : joined(lines, ', '),
      province: lines[2],
      city: lines[3] ?? unmasked(shipping, 'city'),
      postalCode: unmasked(shipping, 'post_code'),
      countryCode: named === undefined ? undefined : (COUNTRIES.get(named.toLowerCase()) ?? country.toUpperCase()),
    }),
  }
}

/** Text, or the digits of a number: Lazada's documents and its live answers differ in that. `null` as text says nothing. */
export function plain(read: FieldReader, field: Field): string | undefined {
  const { value } = field
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (value === null) return undefined
  const text = read.text(field)
  return text === 'null' ? undefined : text
}
