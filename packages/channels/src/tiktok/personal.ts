import type { PersonalPart } from '@tributary/events'
import { type Field, type FieldReader, known } from '../reading/fields.ts'

/**
 * What an order says about its buyer and its receiver. TikTok masks by market, shipping type and age, and a later reading may
 * show stars where an earlier one did not: a value with a star in it is left out, never taken for the real one.
 */
export function readPersonal(read: FieldReader, order: Field): Pick<PersonalPart, 'buyer' | 'receiver'> {
  const address = read.member(order, 'recipient_address')
  const unmasked = (parent: Field, key: string) => {
    const value = read.personal(read.member(parent, key))
    return value?.includes('*') ? undefined : value
  }
  const taxId = unmasked(order, 'cpf')
  return {
    buyer: known({
      id: read.text(read.member(order, 'user_id')),
      name: unmasked(address, 'name'),
      phone: unmasked(address, 'phone_number'),
      email: unmasked(order, 'buyer_email'),
      taxId,
      taxType: taxId === undefined ? undefined : 'CPF',
      // Read as plain text: a buyer may write stars.
      remark: read.text(read.member(order, 'buyer_message')),
    }),
    receiver: known({
      name: unmasked(address, 'name'),
      addressLine1: unmasked(address, 'address_line1'),
      // Only Brazil fills the third and the fourth.
      addressLine2: joined(
        ['address_line2', 'address_line3', 'address_line4'].map((key) => unmasked(address, key)),
        ' ',
      ),
      addressDetail: unmasked(address, 'address_detail') ?? unmasked(address, 'full_address'),
      countryCode: read.text(read.member(address, 'region_code')),
      postalCode: unmasked(address, 'postal_code'),
      ...readDistricts(read, address, unmasked),
    }),
  }
}

/** L1 is the state or province; the city is the deepest level that is known, in the United Kingdom the post town. */
function readDistricts(read: FieldReader, address: Field, unmasked: (parent: Field, key: string) => string | undefined) {
  const districts = read.elements(read.member(address, 'district_info')).map((district) => ({
    level: read.text(read.member(district, 'address_level')),
    name: unmasked(district, 'address_name'),
  }))
  const named = (level: string) => districts.find((district) => district.level === level)?.name
  return { province: named('L1'), city: unmasked(address, 'post_town') ?? named('L3') ?? named('L2') }
}

function joined(parts: readonly (string | undefined)[], separator: string): string | undefined {
  const text = parts.filter((part) => part !== undefined).join(separator)
  return text === '' ? undefined : text
}
