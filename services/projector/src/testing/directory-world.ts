import { corpKey, createEvent, derivedEventId, encodeEvent, type StoredEvent } from '@tributary/events'
import type { Random } from '@tributary/test/random'
import type { Vault } from '@tributary/vault'
import { type ChangeType, contactEvents, corpSubject } from '@tributary/wecom'

export const CUSTOMER = 'keyfil'
export const SUITE_ID = 'ww0suite'

/** What WeCom tells of a directory. */
export type Told = { changeType: ChangeType; timestamp: number; fields: Record<string, string> }

/** Makes the events of callbacks about corps of one suite, as ingest does. */
export function createDirectoryWorld(vault: Vault) {
  let rowId = 1_000
  const corpOf = (corpId: string) => {
    const corp = { customer: CUSTOMER, suiteId: SUITE_ID, corpId }
    return { ...corp, subject: corpSubject(vault, corp, 0) }
  }
  return {
    async changes(corpId: string, told: readonly Told[]): Promise<StoredEvent[]> {
      const changes = told.map(({ changeType, timestamp, fields }) => ({
        ...{ corp: corpOf(corpId), changeType, timestamp, origin: 'callback' as const, receiveId: 'x' },
        fields: { ...fields, AuthCorpId: corpId, ChangeType: changeType, TimeStamp: String(timestamp) },
      }))
      const events = await contactEvents({ vault, rowIds: { next: () => ++rowId }, source: '/test' }, changes)
      return events.map((event) => encodeEvent(event))
    },
    /** The corp takes its consent back; its data key is gone before the event says so. */
    async cancellation(corpId: string, timestamp: number): Promise<StoredEvent> {
      const { customer, suiteId, subject } = corpOf(corpId)
      await vault.destroy(subject)
      const event = createEvent({
        id: derivedEventId('CorpDeauthorized', corpId, timestamp),
        type: 'CorpDeauthorized',
        source: '/test',
        subject: `corps/${corpId}`,
        time: timestamp * 1000,
        partitionkey: corpKey(corpId),
        data: { customer, suiteId, authCorpId: corpId, timestamp, subject },
      })
      return encodeEvent(event)
    },
  }
}

/** Any change of a small directory; `users` are the ids that its members may have. */
export function anyChange(random: Random, step: number, { steps, users }: { steps: number; users: readonly string[] }): Told {
  const timestamp = 1_000 + random.from(0, steps)
  const user = { UserID: random.pick(users) }
  const party = { Id: String(random.from(1, 4)) }
  const listed = { Department: [1, 2, 3, 4].filter(() => random.from(0, 1) === 1).join(',') }
  const said = (changeType: ChangeType, fields: Record<string, string>): Told => ({ changeType, timestamp, fields })
  const created = said('create_user', { ...user, ...listed, Name: `name ${step}` })
  const moved = said('update_user', { ...user, ...listed, Alias: `alias ${step}` })
  const partyMade = said('create_party', { ...party, Name: `party ${step}`, ParentId: '1' })
  return random.pick([
    ...[created, created, created, moved, moved, partyMade, partyMade],
    said('update_user', { ...user, NewUserID: `${user.UserID}.new` }),
    said('delete_user', user),
    said('delete_party', party),
  ])
}
