import type { ListPlace } from './list-deliveries.ts'

const PLACE = /^(\d{1,15})\.(\d{1,9})\.(\d{1,15})\.(\d{1,9})\.(.+)$/

/** Where a list goes on, as one text that lists show and take back. */
export const writeListPlace = ({ time, partition, position, attempt, endpoint }: ListPlace): string =>
  [time, partition, position, attempt, endpoint].join('.')

/** Reads the text back; undefined when it is none. */
export function readListPlace(text: string): ListPlace | undefined {
  const [, time, partition, position, attempt, endpoint] = PLACE.exec(text) ?? []
  if (endpoint === undefined) return undefined
  return { time: Number(time), partition: Number(partition), position: Number(position), attempt: Number(attempt), endpoint }
}
