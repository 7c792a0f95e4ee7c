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

type Watched = Pick<RebuildOptions, 'signal' | 'projection'>

/** Builds to some positions, telling how it goes and listening to requests. Throws Requested, and what `Builder.buildTo` throws. */
export async function buildWatched(
  session: Connection,
  { signal, onEvent, projection }: Watched & Pick<RebuildOptions, 'onEvent'>,
  builder: Builder,
  targets: readonly Position[],
): Promise<void> {
  const tell = () => onEvent?.({ kind: 'progress', partitions: builder.progress() })
  await watched(session, { signal, projection }, (ending) => builder.buildTo(targets, ending), tell)
  tell()
}

/** Does `work` until somebody asks to end it, which aborts its signal. Throws Requested, and what `work` throws. */
export async function watched<T>(
  session: Connection,
  { signal, projection }: Watched,
  work: (signal: AbortSignal) => Promise<T>,
  tell: () => void = () => {},
): Promise<T> {
  const ending = new AbortController()
  const watching = watchRequests(session, projection, ending, tell)
  const working = work(AbortSignal.any([signal, ending.signal]))
  await working.catch(() => {})
  ending.abort()
  const end = await watching
  if (end) throw end
  return await working
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
