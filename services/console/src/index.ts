export { type ApiKeyRow, addApiKey, listApiKeys, revokeApiKey, SCOPES, type Scope } from './api-keys.ts'
export { type ConsoleContext, createConsole } from './console.ts'
