import type { Field, FieldReader } from '../reading/fields.ts'

/** A package of an order as Amazon shows it; only what a seller sends itself has any. */
export type Package = {
  reference: string
  trackingNumber: string
  status: string
  /** Units by the id of their line. */
  units: ReadonlyMap<string, number>
}

/** Packages that still count: a cancelled one holds nothing. */
export function readPackages(read: FieldReader, order: Field): Package[] {
  const text = (parent: Field, key: string) => read.text(read.member(parent, key)) ?? ''
  return read
    .elements(read.member(order, 'packages'))
    .map((one) => ({
      reference: text(one, 'packageReferenceId'),
      trackingNumber: text(one, 'trackingNumber'),
      status: text(read.member(one, 'packageStatus'), 'status'),
      units: unitsOf(read, one),
    }))
    .filter(({ status }) => status !== 'CANCELLED')
}

function unitsOf(read: FieldReader, one: Field): Map<string, number> {
  const units = new Map<string, number>()
  for (const item of read.elements(read.member(one, 'packageItems'))) {
    const id = read.text(read.member(item, 'orderItemId')) ?? ''
    units.set(id, (units.get(id) ?? 0) + (read.count(read.member(item, 'quantity')) ?? 0))
  }
  return units
}

/** Whether every package has arrived and every unit that was ordered lies in one of them: the only sign of a delivery there is. */
export function isDelivered(read: FieldReader, order: Field): boolean {
  const packages = readPackages(read, order)
  if (packages.length === 0 || packages.some(({ status }) => status !== 'DELIVERED')) return false
  return read.elements(read.member(order, 'orderItems')).every((item) => {
    const id = read.text(read.member(item, 'orderItemId')) ?? ''
    return unitsIn(packages, id) >= (read.count(read.member(item, 'quantityOrdered')) ?? 0)
  })
}

/** How many units of a line the packages hold together. */
export const unitsIn = (packages: readonly Package[], lineItemId: string): number =>
  packages.reduce((sum, { units }) => sum + (units.get(lineItemId) ?? 0), 0)
