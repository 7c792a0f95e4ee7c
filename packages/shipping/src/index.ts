export * from './request-shipment.ts'
export * from './shipment.ts'
export * from './shipment-operations.ts'
export * from './shipment-rows.ts'
