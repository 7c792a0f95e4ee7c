import { createSender, type Outcome } from '@tributary/delivery'
import type { Configuration } from '@tributary/runtime'
import { endpointTargets } from './known-endpoints.ts'

type Context = Parameters<typeof endpointTargets>[0] & { configuration: Pick<Configuration, 'delivery'> }

/** What came of a test: of an endpoint that is not known, that nothing can be sent to, or that was sent a message. */
export type EndpointTest = { kind: 'unknown' } | { kind: 'unready'; problem: string } | { kind: 'sent'; outcome: Outcome }

/**
 * Sends one message that is marked as a test, also to an endpoint that is paused; no cursor moves and nothing is recorded.
 * Throws DatabaseError, VaultError.
 */
export async function testEndpoint(context: Context, name: string, signal: AbortSignal): Promise<EndpointTest> {
  const endpoint = (await endpointTargets(context)).find((one) => one.name === name)
  if (!endpoint) return { kind: 'unknown' }
  const { target, scope, deadline, testRequest } = endpoint
  if ('problem' in target) return { kind: 'unready', problem: target.problem }
  const { allowAddresses: allow, hosts } = context.configuration.delivery
  const sender = createSender({ reach: { scope, allow }, hosts, ...(deadline === undefined ? {} : { deadline }) })
  try {
    return { kind: 'sent', outcome: await sender.send(testRequest(target, Date.now()), { signal }) }
  } finally {
    await sender.close()
  }
}
