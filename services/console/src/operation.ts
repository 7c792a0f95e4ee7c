import type { Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import type { Configuration } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import type { TSchema } from 'typebox'
import type { Scope } from './access/api-keys.ts'
import type { Caller } from './access/guard.ts'
import type { Endpoints } from './endpoints.ts'

/** What the console uses of the platform. */
export type ConsoleContext = {
  database: Database
  log: EventLog
  vault: Vault
  endpoints: Endpoints
  configuration: Pick<Configuration, 'console' | 'consumerGroups' | 'wework'>
}

/** A request whose parts have passed the schemas of its operation. */
export type CheckedRequest = { path: unknown; query: unknown; headers: unknown; body: unknown; caller: Caller }

export type Answer = { status: number; body: unknown; headers?: Readonly<Record<string, string>> }

/** One operation of the API: its schemas check what comes and goes, and describe it. `path` is written as OpenAPI does. */
export type Operation = {
  method: 'get' | 'post'
  path: string
  summary: string
  description?: string
  scope: Scope
  parameters: TSchema
  query: TSchema
  /** Of headers that matter; names in small letters. */
  headers?: TSchema
  body?: TSchema
  /** By status. Everything else is a problem. */
  answers: Readonly<Record<number, { description: string; schema: TSchema }>>
  /** Throws Problem for what the caller can mend. */
  run(context: ConsoleContext, request: CheckedRequest): Promise<Answer>
}
