import { CATALOGUE, type ContactField, type ContactPart, type EventOf } from '@tributary/events'
import { type TSchema, Type } from 'typebox'

type ContactEvent = EventOf<'ContactChanged'>
type Fields = ContactPart['fields']
type Value = string | number | (string | number)[] | ContactField

const whole = (text: string): string | number => (/^-?\d{1,15}$/.test(text) ? Number(text) : text)
const list = (text: string): string[] => text.split(',').filter((part) => part !== '')

const Whole = Type.Union([Type.Integer(), Type.String()])
const Attributes = Type.Union([Type.String(), Type.Object({}), Type.Array(Type.Unknown())])

/** How a text of WeCom's is told to partners, and as what. A number that WeCom wrote unreadably stays text. */
const TEXT = { read: (text: string): Value => text, schema: Type.String() }
const WHOLE = { read: (text: string): Value => whole(text), schema: Whole }
const TEXTS = { read: list, schema: Type.Array(Type.String()) }
const WHOLES = { read: (text: string): Value => list(text).map(whole), schema: Type.Array(Whole) }

type Kind = { read(text: string): Value; schema: TSchema }

/** The fields of a change by the name that partners see, in the order of the body. `isPersonal`: only `full` tells it. */
const CHANGED: readonly { field: string; as: string; kind: Kind; about: string; isPersonal?: true }[] = [
  { field: 'Name', as: 'name', kind: TEXT, about: 'The name of the member, department or tag.', isPersonal: true },
  { field: 'ParentId', as: 'parentId', kind: WHOLE, about: 'The department above.' },
  { field: 'Order', as: 'order', kind: WHOLE, about: 'Where the department stands among its like: the larger, the earlier.' },
  { field: 'Department', as: 'department', kind: WHOLES, about: 'Every department that the member is in.' },
  { field: 'MainDepartment', as: 'mainDepartment', kind: WHOLE, about: 'The main one of them.' },
  {
    field: 'IsLeaderInDept',
    as: 'isLeaderInDept',
    kind: WHOLES,
    about: '1 for each department that the member leads, in their order.',
  },
  { field: 'DirectLeader', as: 'directLeader', kind: TEXTS, about: 'User ids of those that the member reports to.' },
  { field: 'Status', as: 'status', kind: WHOLE, about: '1 active, 2 disabled, 4 not yet active, 5 left.' },
  { field: 'Mobile', as: 'mobile', kind: TEXT, about: 'Mobile number.', isPersonal: true },
  { field: 'Position', as: 'position', kind: TEXT, about: 'Position.', isPersonal: true },
  { field: 'Gender', as: 'gender', kind: WHOLE, about: '1 male, 2 female, 0 not told.', isPersonal: true },
  { field: 'Email', as: 'email', kind: TEXT, about: 'Address for mail.', isPersonal: true },
  { field: 'BizMail', as: 'bizMail', kind: TEXT, about: 'Address for mail of the corp.', isPersonal: true },
  { field: 'Avatar', as: 'avatar', kind: TEXT, about: 'Address of the picture.', isPersonal: true },
  { field: 'Alias', as: 'alias', kind: TEXT, about: 'Another name.', isPersonal: true },
  { field: 'Telephone', as: 'telephone', kind: TEXT, about: 'Number of the desk.', isPersonal: true },
  { field: 'Address', as: 'address', kind: TEXT, about: 'Postal address.', isPersonal: true },
  { field: 'AddUserItems', as: 'addUserItems', kind: TEXTS, about: 'User ids that got the tag.' },
  { field: 'DelUserItems', as: 'delUserItems', kind: TEXTS, about: 'User ids that lost the tag.' },
  { field: 'AddPartyItems', as: 'addPartyItems', kind: WHOLES, about: 'Departments that got the tag.' },
  { field: 'DelPartyItems', as: 'delPartyItems', kind: WHOLES, about: 'Departments that lost the tag.' },
]

const { changeType } = CATALOGUE.ContactChanged.schema.properties
const closed = { additionalProperties: false } as const

/** `data` of a webhook's body. docs/webhooks.md is its manual. */
export const ContactDataSchema = Type.Object(
  {
    suiteId: Type.String({ description: 'The suite; empty for an app that the corp built itself.' }),
    authCorpId: Type.String({ description: "WeCom's id of the corp." }),
    infoType: Type.Literal('change_contact'),
    changeType,
    timestamp: Type.Integer({ description: 'When WeCom says it happened, in seconds since 1970.' }),
    erased: Type.Optional(Type.Literal(true, { description: 'The corp has cancelled: what was changed is gone for good.' })),
    userId: Type.Optional(Type.String({ description: 'The member.' })),
    openUserId: Type.Optional(Type.String({ description: 'The member, by the id that all apps of a provider share.' })),
    newUserId: Type.Optional(Type.String({ description: 'The new id of a member that was renamed.' })),
    department: Type.Optional(Type.Object({ id: Whole }, { ...closed, description: 'The department that changed.' })),
    tag: Type.Optional(Type.Object({ id: Whole }, { ...closed, description: 'The tag that changed.' })),
    changed: Type.Object(
      {
        ...Object.fromEntries(
          CHANGED.map(({ as, kind, about }) => [as, Type.Optional(Type.Union([kind.schema], { description: about }))]),
        ),
        extAttr: Type.Optional(
          Type.Union([Attributes], { description: 'Attributes that the corp made up, as WeCom gives them.' }),
        ),
      },
      { ...closed, description: 'What WeCom named and nothing else; empty when erased.' },
    ),
  },
  { ...closed, description: 'A change in the directory of a corp.' },
)

const textOf = (fields: Fields, name: string): string | undefined => {
  const value = fields[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The id of the event for partners: `webhook-id`, `ce-id` and `id` in the body; the same on every try. */
const contactMessageId = (event: ContactEvent): string => `evt_${event.id}`

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
  for (const { field, as, kind, isPersonal } of CHANGED) {
    const value = fields[field]
    if (typeof value === 'string' && (told === 'full' || !isPersonal)) changed[as] = kind.read(value)
  }
  const attributes = fields['ExtAttr']
  if (told === 'full' && attributes !== undefined) changed['extAttr'] = attributes
  return changed
}
