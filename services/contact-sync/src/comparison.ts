import type { ChangeType, Fields, ListedDepartment, ListedMember } from '@tributary/wecom'
import { keptName } from './directory-fold.ts'
import { type Entry, placeOf } from './directory-rows.ts'

/** A difference between what the API lists and what the log says, in the words of a callback. */
export type Difference = { changeType: ChangeType; fields: Fields }

/**
 * What an event must say so that the log comes to know a member as it is listed; undefined when it does. A name that the
 * API withholds is unknown and not gone, so it is never taken away.
 */
export function memberDifference(
  known: Entry | undefined,
  { userId, departments, name }: ListedMember,
): Difference | undefined {
  const place = placeOf(departments)
  const named = name === undefined ? {} : { Name: name }
  if (!known?.alive) return { changeType: 'create_user', fields: { UserID: userId, ...named, Department: place } }
  const changed = {
    ...(name !== undefined && keptName(name) !== known.name ? named : {}),
    ...(place === known.place ? {} : { Department: place }),
  }
  if (Object.keys(changed).length === 0) return undefined
  return { changeType: 'update_user', fields: { UserID: userId, ...changed } }
}

/** The same for a department. */
export function departmentDifference(
  known: Entry | undefined,
  { id, parentId, name }: ListedDepartment,
): Difference | undefined {
  const named = name === undefined ? {} : { Name: name }
  if (!known?.alive) return { changeType: 'create_party', fields: { Id: id, ...named, ParentId: parentId } }
  const changed = {
    ...(name !== undefined && keptName(name) !== known.name ? named : {}),
    ...(parentId === known.place ? {} : { ParentId: parentId }),
  }
  if (Object.keys(changed).length === 0) return undefined
  return { changeType: 'update_party', fields: { Id: id, ...changed } }
}

/** What an event must say of an entry that a complete list lacks. */
export const deletion = ({ kind, id }: Entry): Difference =>
  kind === 'm' ? { changeType: 'delete_user', fields: { UserID: id } } : { changeType: 'delete_party', fields: { Id: id } }
