import type { Migration } from '../migration.ts'

/** The index of events knows members from now on: that of contacts is made anew from the beginning of the log. */
export const migration: Migration = {
  name: '042-index-members',
  statements: [`DELETE FROM tributary_cursor WHERE consumer = 'event-index' AND topic = 'EG_WEWORK_EVENT_WEBHOOK_TOPIC'`],
}
