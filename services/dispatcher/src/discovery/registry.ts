/** A place where a service runs: `weight` is its share of the requests, more than 0. */
export type Found = { host: string; port: number; weight: number }

/** What a registry says of a service: its instances that take requests, none when there are none, or why it cannot be asked. */
export type Finding = { kind: 'found'; instances: Found[] } | { kind: 'failed'; reason: string }

/** Something that knows where services are. */
export type Registry = {
  /** For people, without secrets. */
  readonly name: string
  find(serverName: string): Promise<Finding>
}

/** Milliseconds that a registry may take for an answer. */
export const PATIENCE = 3_000
