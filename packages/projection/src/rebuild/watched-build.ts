import type { Connection } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import { pause } from '@tributary/runtime'
import type { Builder } from './build.ts'
import type { RebuildOptions } from './options.ts'
import type { BuildContext } from './partition-builder.ts'
import { latestRebuild } from './record.ts'

const PROGRESS_EVERY = 200

/** Thrown inside a run to end it as somebody asked. */
export class Requested extends Error {
  readonly requested: 'pause' | 'abort'
  constructor(requested: 'pause' | 'abort') {
    super(`The rebuild was asked to ${requested}.`)
    this.requested = requested
  }
}

/** Builds to some positions, telling how it goes and listening to requests. Throws Requested, and what `Builder.buildTo` throws. */
export async function buildWatched(
  session: Connection,
  { signal, onEvent, projection }: Pick<RebuildOptions, 'signal' | 'onEvent' | 'projection'>,
  builder: Builder,
  targets: readonly Position[],
): Promise<void> {
  const ending = new AbortController()
  const tell = () => onEvent?.({ kind: 'progress', partitions: builder.progress() })
  const watching = watchRequests(session, projection, ending, tell)
  let failure: unknown
  try {
    await builder.buildTo(targets, AbortSignal.any([signal, ending.signal]))
  } catch (error) {
    failure = error
  }
  ending.abort()
  const end = await watching
  if (end ?? failure) throw end ?? failure
  tell()
}

/** Tells how it goes until `ending` aborts; aborts it when somebody asks for that, or when the lock may be lost, and says why. */
async function watchRequests(
  session: Connection,
  projection: BuildContext['projection'],
  ending: AbortController,
  tell: () => void,
): Promise<unknown> {
  try {
    while (!ending.signal.aborted) {
      tell()
      const requested = (await latestRebuild(session, projection))?.requested
      if (requested === 'pause' || requested === 'abort') throw new Requested(requested)
      await pause(PROGRESS_EVERY, ending.signal)
    }
    return undefined
  } catch (error) {
    ending.abort(error)
    return error
  }
}
