import { type Access, withToken } from './access.ts'
import type { Answer, ApiCall, SendCall } from './call.ts'
import { WecomError } from './errors.ts'

/** A department as the API lists it; its name only where the app may have it. */
export type ListedDepartment = { id: string; parentId: string; name?: string }
/** A member as the API lists it. `name` is left out where WeCom puts the id in its place. */
export type ListedMember = { userId: string; departments: readonly string[]; name?: string }

/** The reads of a corp's directory. Each throws WecomError, or the reason of the signal. */
export type ContactsApi = {
  /** Every department that the app sees, without names (department/simplelist, W95406). */
  departmentIds(signal: AbortSignal): Promise<ListedDepartment[]>
  /** The same with names; slower, and for apps that a corp built itself (department/list, W90344). */
  departments(signal: AbortSignal): Promise<ListedDepartment[]>
  /** Those who stand in this very department (user/simplelist, W96259). */
  membersOf(departmentId: string, signal: AbortSignal): Promise<ListedMember[]>
  /** A page of (member, department); `next` is empty at the end (user/list_id, W96021). */
  memberIds(cursor: string, signal: AbortSignal): Promise<{ members: ListedMember[]; next: string }>
  /** A page of those who consented themselves; `next` is empty at the end (user/list_member_auth, W94513). */
  consentedMembers(cursor: string, signal: AbortSignal): Promise<{ members: ListedMember[]; next: string }>
}

export function createContactsApi(send: SendCall, access: Access): ContactsApi {
  const ask = (call: ApiCall, signal: AbortSignal): Promise<Answer> =>
    withToken(access, signal, (token) => send({ ...call, query: { ...call.query, access_token: token } }, signal))

  return {
    async departmentIds(signal) {
      const call = 'department/simplelist'
      return listOf(await ask({ call }, signal), 'department_id', call).map((one) => department(one, call))
    },
    async departments(signal) {
      const call = 'department/list'
      return listOf(await ask({ call }, signal), 'department', call).map((one) => department(one, call))
    },
    async membersOf(departmentId, signal) {
      const call = 'user/simplelist'
      const answer = await ask({ call, query: { department_id: departmentId } }, signal)
      return listOf(answer, 'userlist', call).map((one) => member(one, call))
    },
    async memberIds(cursor, signal) {
      const call = 'user/list_id'
      const answer = await ask({ call, body: { cursor, limit: 10_000 } }, signal)
      const members = listOf(answer, 'dept_user', call).map((one) => ({
        userId: idOf(one['userid'] ?? one['open_userid'], call),
        departments: [idOf(one['department'], call)],
      }))
      return { members, next: cursorOf(answer) }
    },
    async consentedMembers(cursor, signal) {
      const call = 'user/list_member_auth'
      const answer = await ask({ call, body: { cursor, limit: 1_000 } }, signal)
      // In this mode WeCom says that everybody is in the root department.
      const members = listOf(answer, 'member_auth_list', call).map((one) => ({
        userId: idOf(one['open_userid'], call),
        departments: ['1'],
      }))
      return { members, next: cursorOf(answer) }
    },
  }
}

function listOf(answer: Answer, field: string, call: string): Answer[] {
  const { [field]: list } = answer
  // A list that is not there is not an empty one: whoever takes it for that deletes a corp.
  if (Array.isArray(list) && list.every((one) => typeof one === 'object' && one !== null)) return list as Answer[]
  throw new WecomError('WECOM_ANSWER_INVALID', `WeCom's answer to ${call} holds no ${field}.`)
}

function idOf(value: unknown, call: string): string {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text === 'string' && text !== '' && text.length <= 64) return text
  throw new WecomError('WECOM_ANSWER_INVALID', `WeCom's answer to ${call} holds an entry without an id.`)
}

function department(one: Answer, call: string): ListedDepartment {
  const id = idOf(one['id'], call)
  const { name } = one
  // For those who may not have it, the name is the id.
  const named = typeof name === 'string' && name !== '' && name !== id ? { name } : {}
  return { id, parentId: idOf(one['parentid'] ?? 0, call), ...named }
}

function member(one: Answer, call: string): ListedMember {
  const userId = idOf(one['userid'] ?? one['open_userid'], call)
  const { name, department: departments } = one
  const named = typeof name === 'string' && name !== '' && name !== userId && name !== one['open_userid'] ? { name } : {}
  if (!Array.isArray(departments))
    throw new WecomError('WECOM_ANSWER_INVALID', `WeCom's answer to ${call} holds no departments.`)
  return { userId, departments: departments.map((id) => idOf(id, call)), ...named }
}

function cursorOf(answer: Answer): string {
  const { next_cursor: next } = answer
  return typeof next === 'string' ? next : ''
}
