import type { ContactField, ContactPart, EventOf } from '@tributary/events'

type ContactEvent = EventOf<'ContactChanged'>
type Fields = ContactPart['fields']
type Value = string | number | (string | number)[] | ContactField

const whole = (text: string): Value => (/^-?\d{1,15}$/.test(text) ? Number(text) : text)
const list = (text: string): string[] => text.split(',').filter((part) => part !== '')
const wholes = (text: string): Value => list(text).map((part) => whole(part) as string | number)
const same = (text: string): Value => text

/** The fields of a change by the name that partners see, in the order of the body. `isPersonal`: only `full` tells it. */
const CHANGED: readonly { field: string; as: string; read: (text: string) => Value; isPersonal?: true }[] = [
  { field: 'Name', as: 'name', read: same, isPersonal: true },
  { field: 'ParentId', as: 'parentId', read: whole },
  { field: 'Order', as: 'order', read: whole },
  { field: 'Department', as: 'department', read: wholes },
  { field: 'MainDepartment', as: 'mainDepartment', read: whole },
  { field: 'IsLeaderInDept', as: 'isLeaderInDept', read: wholes },
  { field: 'DirectLeader', as: 'directLeader', read: list },
  { field: 'Status', as: 'status', read: whole },
  { field: 'Mobile', as: 'mobile', read: same, isPersonal: true },
  { field: 'Position', as: 'position', read: same, isPersonal: true },
  { field: 'Gender', as: 'gender', read: whole, isPersonal: true },
  { field: 'Email', as: 'email', read: same, isPersonal: true },
  { field: 'BizMail', as: 'bizMail', read: same, isPersonal: true },
  { field: 'Avatar', as: 'avatar', read: same, isPersonal: true },
  { field: 'Alias', as: 'alias', read: same, isPersonal: true },
  { field: 'Telephone', as: 'telephone', read: same, isPersonal: true },
  { field: 'Address', as: 'address', read: same, isPersonal: true },
  { field: 'AddUserItems', as: 'addUserItems', read: list },
  { field: 'DelUserItems', as: 'delUserItems', read: list },
  { field: 'AddPartyItems', as: 'addPartyItems', read: wholes },
  { field: 'DelPartyItems', as: 'delPartyItems', read: wholes },
]

const textOf = (fields: Fields, name: string): string | undefined => {
  const value = fields[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The id of the event for partners: `webhook-id`, `ce-id` and `id` in the body; the same on every try. */
export const contactMessageId = (event: ContactEvent): string => `evt_${event.id}`

/** Attributes of the CloudEvent that tells a change. Those of an erased one name no person. */
export function contactAttributes(event: ContactEvent, part: ContactPart | 'erased') {
  const { suiteId, authCorpId, changeType, timestamp } = event.data
  const [kind, field] = changeType.endsWith('_user')
    ? ['user', 'UserID']
    : changeType.endsWith('_party')
      ? ['department', 'Id']
      : ['tag', 'TagId']
  const id = part === 'erased' ? 'erased' : (textOf(part.fields, field) ?? '')
  return {
    id: contactMessageId(event),
    source: suiteId === '' ? `/wecom/corps/${authCorpId}` : `/wecom/suites/${suiteId}/corps/${authCorpId}`,
    type: `wework.change_contact.${changeType}`,
    subject: `${kind}/${id}`,
    time: new Date(timestamp * 1_000).toISOString().replace('.000Z', 'Z'),
    partitionkey: `${authCorpId}/${id}`,
  }
}

/** What a partner is told of a change: only what WeCom named. Numbers are numbers; ids that are texts stay texts. */
export function contactData(event: ContactEvent, part: ContactPart | 'erased', told: 'thin' | 'full'): Record<string, unknown> {
  const { suiteId, authCorpId, changeType, timestamp } = event.data
  const head = { suiteId, authCorpId, infoType: 'change_contact', changeType, timestamp }
  if (part === 'erased') return { ...head, erased: true, changed: {} }
  const { fields } = part
  const id = textOf(fields, 'Id')
  const tag = textOf(fields, 'TagId')
  return {
    ...head,
    ...present('userId', textOf(fields, 'UserID')),
    ...present('openUserId', textOf(fields, 'OpenUserID')),
    ...present('newUserId', textOf(fields, 'NewUserID')),
    ...(changeType.endsWith('_party') && id !== undefined ? { department: { id: whole(id) } } : {}),
    ...(tag === undefined ? {} : { tag: { id: whole(tag) } }),
    changed: changedOf(fields, told),
  }
}

const present = (name: string, value: string | undefined) => (value === undefined ? {} : { [name]: value })

function changedOf(fields: Fields, told: 'thin' | 'full'): Record<string, Value> {
  const changed: Record<string, Value> = {}
  for (const { field, as, read, isPersonal } of CHANGED) {
    const value = fields[field]
    if (typeof value === 'string' && (told === 'full' || !isPersonal)) changed[as] = read(value)
  }
  const attributes = fields['ExtAttr']
  if (told === 'full' && attributes !== undefined) changed['extAttr'] = attributes
  return changed
}
