import { isRetriable } from '@tributary/runtime'
import { type ErrorSummary, summarize } from './blame.ts'
import type { Shared } from './loop.ts'

/** Whether this member may be in its group; what the definition says of that (`ConsumerDefinition.admitted`). */
export type Admission = {
  /** Throws what keeps the member out. */
  pass(): Promise<void>
  /** What kept it out when it was last asked; undefined when nothing did, or that could not be told. */
  refusal(): ErrorSummary | undefined
}

export function createAdmission<P>({ definition, logger }: Pick<Shared<P>, 'definition' | 'logger'>): Admission {
  let refusal: ErrorSummary | undefined
  return {
    pass: async () => {
      try {
        await definition.admitted?.()
        refusal = undefined
      } catch (error) {
        if (isRetriable(error)) throw error
        const { code, message } = summarize(error)
        if (refusal?.code !== code)
          logger.error({ consumer: definition.name, code }, `this member stays out of its group: ${message}`)
        refusal = { code, message }
        throw error
      }
    },
    refusal: () => refusal,
  }
}
