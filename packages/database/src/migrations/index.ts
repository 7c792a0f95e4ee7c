import type { Migration } from '../migration.ts'
import { migration as givenTables } from './001-given-tables.ts'
import { migration as widenings } from './002-widenings.ts'
import { migration as eventLog } from './003-event-log.ts'
import { migration as consumer } from './004-consumer.ts'
import { migration as vault } from './005-vault.ts'
import { migration as orderSync } from './006-order-sync.ts'
import { migration as delivery } from './007-delivery.ts'
import { migration as projection } from './008-projection.ts'
import { migration as rowIds } from './009-row-ids.ts'
import { migration as kafka } from './010-kafka.ts'
import { migration as settings } from './013-settings.ts'
import { migration as wework } from './014-wework.ts'
import { migration as weworkDirectory } from './015-wework-directory.ts'
import { migration as endpoints } from './018-endpoints.ts'
import { migration as rebuild } from './023-rebuild.ts'
import { migration as history } from './026-history.ts'
import { migration as attemptPartitions } from './030-attempt-partitions.ts'
import { migration as endpointKeys } from './031-endpoint-keys.ts'
import { migration as apiKeys } from './035-api-keys.ts'
import { migration as shipments } from './036-shipments.ts'
import { migration as pollWalks } from './041-poll-walks.ts'
import { migration as indexMembers } from './042-index-members.ts'
import { migration as deliveryRoutes } from './050-delivery-routes.ts'
import { migration as settledShipments } from './051-settled-shipments.ts'
import { migration as groupNames } from './052-group-names.ts'
import { migration as rowIdTimes } from './053-row-id-times.ts'
import { migration as rebuildNames } from './054-rebuild-names.ts'
import { migration as rebuildVersions } from './055-rebuild-versions.ts'

/** In the order they run. A migration that has landed never changes; a new one is added at the end. */
export const MIGRATIONS: readonly Migration[] = [
  givenTables,
  widenings,
  eventLog,
  consumer,
  vault,
  orderSync,
  delivery,
  projection,
  rowIds,
  kafka,
  settings,
  wework,
  rebuild,
  history,
  endpoints,
  weworkDirectory,
  apiKeys,
  shipments,
  endpointKeys,
  attemptPartitions,
  pollWalks,
  indexMembers,
  deliveryRoutes,
  settledShipments,
  groupNames,
  rowIdTimes,
  rebuildNames,
  rebuildVersions,
]
