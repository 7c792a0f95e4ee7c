import type { Projection } from '@tributary/projection'
import { PROJECTIONS } from '@tributary/projector'
import { CommandError } from './failure.ts'

/** Names of every projection, for help and checks. */
export const projectionNames = (): string[] => PROJECTIONS.map(({ name }) => name)

/** Throws CommandError PROJECTION_UNKNOWN. */
export function projectionNamed(name: string): Projection {
  const found = PROJECTIONS.find((projection) => projection.name === name)
  if (found) return found
  throw new CommandError('PROJECTION_UNKNOWN', `There is no projection '${name}'. Known: ${projectionNames().join(', ')}.`)
}
