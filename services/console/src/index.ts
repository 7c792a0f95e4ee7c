export { type ApiKeyRow, addApiKey, listApiKeys, revokeApiKey, SCOPES, type Scope } from './access/api-keys.ts'
export { createConsole } from './console.ts'
export type { Endpoints } from './endpoints.ts'
export type { ConsoleContext } from './operation.ts'
