import { type TSchema, Type } from 'typebox'
import { CATALOGUE, type EventType } from './catalogue.ts'

/** One step from a version of a type to the next. `schema` is that older version, kept so that old events can be read. */
export type Upcaster = { schema: TSchema; upcast(data: Record<string, unknown>): Record<string, unknown> }

/** By type, then by the version it reads. Every version below the catalogue's must be here, or loading fails. */
export type Upcasters = Partial<Record<EventType, Readonly<Record<number, Upcaster>>>>

/**
 * SellerDeauthorized 1 was written for revocations only, so it had no `reason` and called its time `revokedTime`.
 * It is from before the first release; it stays as the example that the next one is written after.
 */
const sellerDeauthorized1: Upcaster = {
  schema: Type.Object(
    {
      channel: Type.Integer({ minimum: 1, maximum: 99 }),
      sellerId: Type.String({ minLength: 1 }),
      revokedTime: Type.Integer({ minimum: 0 }),
    },
    { additionalProperties: false },
  ),
  upcast: ({ revokedTime, ...rest }) => ({ ...rest, reason: 'revoked', deauthorizedTime: revokedTime }),
}

/** ShipmentConfirmed 1 was written before a shipment could be asked for, so it named no request. */
const shipmentConfirmed1: Upcaster = {
  schema: Type.Object({
    channel: Type.Integer({ minimum: 1, maximum: 99 }),
    sellerId: Type.String({ minLength: 1 }),
    orderId: Type.String({ minLength: 1 }),
  }),
  upcast: (data) => ({ ...data, shipmentId: null }),
}

export const UPCASTERS: Upcasters = {
  SellerDeauthorized: { 1: sellerDeauthorized1 },
  ShipmentConfirmed: { 1: shipmentConfirmed1 },
}

/** Throws when a version that the catalogue implies cannot be read, or a step leads to no version. */
export const checkUpcasters = (
  upcasters: Upcasters,
  catalogue: Readonly<Record<string, { version: number }>> = CATALOGUE,
): void => {
  const steps: Readonly<Record<string, Readonly<Record<number, Upcaster>> | undefined>> = upcasters
  for (const type of Object.keys(steps))
    if (!(type in catalogue)) throw new Error(`There are upcasters for '${type}', which is no event type.`)
  for (const [type, { version }] of Object.entries(catalogue)) {
    const versions = Object.keys(steps[type] ?? {}).map(Number)
    for (let from = 1; from < version; from++)
      if (!versions.includes(from)) throw new Error(`${type} has version ${version} but no upcaster from version ${from}.`)
    const beyond = versions.find((from) => !Number.isInteger(from) || from < 1 || from >= version)
    if (beyond !== undefined) throw new Error(`${type} has an upcaster from version ${beyond}, but its newest is ${version}.`)
  }
}

checkUpcasters(UPCASTERS)
