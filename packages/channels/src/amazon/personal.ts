import type { PersonalPart } from '@tributary/events'
import { type Field, type FieldReader, known } from '../reading/fields.ts'

/**
 * What an order says about its buyer and its receiver (Orders API v2026-01-01, includedData BUYER, RECIPIENT and TAX). Amazon gives
 * it by the roles of the app, and takes phone and e-mail away again; what is not there is left out. There is no id of a buyer.
 */
export function readPersonal(read: FieldReader, order: Field): Pick<PersonalPart, 'buyer' | 'receiver'> {
  const buyer = read.member(order, 'buyer')
  const recipient = read.member(order, 'recipient')
  const address = read.member(recipient, 'deliveryAddress')
  const from = (parent: Field, key: string) => read.personal(read.member(parent, key))
  const tax = read
    .elements(read.member(read.member(order, 'tax'), 'taxRegistrations'))
    .find((registration) => read.member(registration, 'entityType').value === 'BUYER')
  return {
    buyer: known({
      name: from(buyer, 'buyerName') ?? from(address, 'name'),
      phone: from(address, 'phone'),
      email: from(buyer, 'buyerEmail'),
      taxId: tax && from(tax, 'taxRegistrationNumber'),
      taxType: tax && read.text(read.member(tax, 'taxRegistrationType')),
      companyName: from(buyer, 'buyerCompanyName') ?? from(address, 'companyName'),
      // Read as plain text: a buyer may write stars.
      remark: read.text(read.member(read.member(recipient, 'deliveryPreference'), 'addressInstruction')),
    }),
    receiver: known({ name: from(address, 'name'), ...readAddress(read, address) }),
  }
}

/** Brazil's streets stand in fields of their own. */
const BRAZILIAN = ['streetName', 'streetNumber', 'complement', 'neighborhood']

function readAddress(read: FieldReader, address: Field) {
  const part = (key: string) => read.personal(read.member(address, key))
  const extended = read.member(address, 'extendedFields')
  const lines = ['addressLine1', 'addressLine2', 'addressLine3'].map(part)
  const street = [...lines, ...BRAZILIAN.map((key) => read.personal(read.member(extended, key)))]
  const [city, province, postalCode, countryCode] = ['city', 'stateOrRegion', 'postalCode', 'countryCode'].map(part)
  const parts = [...street, city, part('districtOrCounty'), part('municipality'), province, postalCode, countryCode]
  const hasStreet = street.some((line) => line !== undefined)
  return {
    addressLine1: lines[0],
    addressLine2: lines[1],
    // Without a street the rest must not take the place of a whole address.
    addressDetail: hasStreet ? parts.filter((line) => line !== undefined).join(', ') : undefined,
    city,
    province,
    postalCode,
    countryCode,
  }
}
