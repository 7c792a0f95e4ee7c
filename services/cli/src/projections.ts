import type { Projection } from '@tributary/projection'
import { CommandError } from './failure.ts'

/** One of the projections by its name. Throws CommandError PROJECTION_UNKNOWN. */
export function projectionNamed(projections: readonly Projection[], name: string): Projection {
  const found = projections.find((projection) => projection.name === name)
  if (found) return found
  const names = projections.map((projection) => projection.name).join(', ')
  throw new CommandError('PROJECTION_UNKNOWN', `There is no projection '${name}'. Known: ${names}.`)
}
