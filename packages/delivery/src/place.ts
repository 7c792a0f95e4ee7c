/** Whose rows: one endpoint's on one partition. */
export type Place = { endpoint: string; topic: string; partition: number }
