import { listCorps } from '@tributary/database'
import type { RecordedEvent } from '@tributary/event-log'
import { decodeEvent } from '@tributary/events'
import { type Lookup, membersOf } from '@tributary/history'
import { configuredCorps, memberPseudonym } from '@tributary/wecom'
import type { LogAccess } from '../setting-up.ts'

/**
 * How to find the changes of a member, by the id that it has or had: the change from one to the other is found under both.
 * Without `corp` in every corp that is configured or has ever authorized us, because ids of members are a corp's own.
 */
export async function memberLookups(
  { database, vault, configuration }: LogAccess,
  id: string,
  corp: string | undefined,
): Promise<{ lookups: Lookup[]; matches: (recorded: RecordedEvent) => boolean }> {
  const named = corp === undefined ? [] : suitesOf(configuration).map((suite) => ({ ...suite, corpId: corp }))
  const configured = configuredCorps(configuration.wework).map(({ authCorpId, ...rest }) => ({ ...rest, corpId: authCorpId }))
  const corps = [...named, ...configured, ...(await listCorps(database))]
  const wanted = corps.filter(({ corpId }) => corp === undefined || corpId === corp)
  const members = new Set(wanted.map((one) => memberPseudonym(vault, one, id)))
  return {
    lookups: [...members].map((member) => ({ kind: 'member', member })),
    matches: ({ event }) =>
      event.type === 'ContactChanged' && membersOf(decodeEvent(event)).some((member) => members.has(member)),
  }
}

const suitesOf = ({ wework }: LogAccess['configuration']) =>
  Object.entries(wework).flatMap(([customer, { suite, selfBuilt }]) => [
    ...(suite ? [{ customer, suiteId: suite.suiteId }] : []),
    ...(Object.keys(selfBuilt).length > 0 ? [{ customer, suiteId: '' }] : []),
  ])
