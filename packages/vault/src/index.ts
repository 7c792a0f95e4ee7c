export * from './errors.ts'
export * from './port.ts'
export { rewrapKeys } from './rewrap.ts'
export { openVault, readSealHeader } from './vault.ts'
