export * from './request-shipment.ts'
export * from './shipment.ts'
export * from './shipment-rows.ts'
