import { createSender, type Outcome } from '@tributary/delivery'
import type { Configuration } from '@tributary/runtime'
import { endpointTargets, type KnownEndpoint } from './known-endpoints.ts'

type Context = Parameters<typeof endpointTargets>[0] & { configuration: Pick<Configuration, 'delivery'> }

/** Milliseconds that a test may take, for who waits for its end; a webhook may have ten minutes for a delivery. */
const LONGEST_TEST = 20_000

/** What came of a test: nothing can be sent to the endpoint, or it was sent a message. */
export type EndpointTest = { kind: 'unready'; problem: string } | { kind: 'sent'; outcome: Outcome }

/**
 * Sends one message that is marked as a test, also to an endpoint that is paused; no cursor moves and nothing is recorded.
 * `longest` is for tests. Throws DatabaseError, VaultError.
 */
export async function testEndpoint(
  context: Context,
  endpoint: KnownEndpoint,
  signal: AbortSignal,
  longest: number = LONGEST_TEST,
): Promise<EndpointTest> {
  const [found] = await endpointTargets(context, [endpoint])
  if (!found) throw new TypeError('An endpoint was asked for and has no target.')
  const { target, scope, deadline, testRequest } = found
  if ('problem' in target) return { kind: 'unready', problem: target.problem }
  const { allowAddresses: allow, hosts } = context.configuration.delivery
  const sender = createSender({
    reach: { scope, allow },
    hosts,
    ...(deadline === undefined ? {} : { deadline: Math.min(deadline, longest) }),
  })
  try {
    return { kind: 'sent', outcome: await sender.send(testRequest(target, Date.now()), { signal }) }
  } finally {
    await sender.close()
  }
}
