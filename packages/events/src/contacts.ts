import { Type } from 'typebox'

const closed = { additionalProperties: false } as const
const NO_CONTROL = '^[^\\p{Cc}\\p{Cs}]*$'
const rowId = (description: string) => Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description })
const pseudonym = (description: string) =>
  Type.String({ minLength: 43, maxLength: 43, pattern: '^[A-Za-z0-9_-]{43}$', description: `${description} A keyed hash.` })
const orNull = <T extends ReturnType<typeof pseudonym>>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description })

/** Where a corp is known: under which of our customers, to which suite, by which id. */
const corp = {
  customer: Type.String({
    minLength: 1,
    maxLength: 100,
    pattern: NO_CONTROL,
    description: 'Its name under `qifu.eg.wework-map`.',
  }),
  suiteId: Type.String({ maxLength: 64, pattern: NO_CONTROL, description: 'The suite; empty for a self-built app.' }),
  authCorpId: Type.String({ minLength: 1, maxLength: 64, pattern: NO_CONTROL, description: "WeCom's id of the corp." }),
}
const subject = Type.String({
  description: 'Pseudonym of the corp and this authorization of it; names the data key in the vault.',
})
const timestamp = Type.Integer({
  minimum: 0,
  maximum: 99_999_999_999,
  description: 'Seconds since 1970, as WeCom gave them; of a reconcile the second before its reading began.',
})
const sealed = (content: string) =>
  Type.Union([Type.String(), Type.Null()], { description: `${content}; null when the corp's key had been destroyed.` })

export const ContactChanged = Type.Object(
  {
    ...corp,
    changeType: Type.Enum(
      ['create_user', 'update_user', 'delete_user', 'create_party', 'update_party', 'delete_party', 'update_tag'],
      { description: "WeCom's name of the change." },
    ),
    timestamp,
    origin: Type.Enum(['callback', 'reconcile', 'import', 'import-event'], {
      description:
        'What WeCom told us; what we found by reading the directory; what the directory tables of an existing system held; a member event that such a system had kept, which changes no directory here.',
    }),
    member: orNull(pseudonym('The member.'), 'The member by its id in this event; null for a department or a tag.'),
    newMember: orNull(pseudonym('The member.'), 'The member by its new id when this renames it; null otherwise.'),
    department: orNull(pseudonym('The department.'), 'The department; null for a member or a tag.'),
    rowIds: Type.Object(
      {
        event: rowId('For `eg_wework_event_member`.'),
        member: rowId('For `eg_wework_member`.'),
        department: rowId('For `eg_wework_department`.'),
        pairs: Type.Record(Type.String(), rowId('For `eg_wework_member_dept`.'), {
          description: 'By pseudonym of the department, for each that the member is said to be in.',
        }),
      },
      { ...closed, description: 'Ids for rows that do not exist yet; rows that do keep theirs.' },
    ),
    subject,
    sealed: sealed('A ContactPart: the fields as WeCom gave them'),
  },
  { ...closed, description: 'Something changed in the directory of a corp.' },
)

export const CorpAuthorized = Type.Object(
  { ...corp, timestamp, subject },
  {
    ...closed,
    description: 'A corp installed the suite and its directory may be read; also after a pause, as a new authorization.',
  },
)

export const CorpDeauthorized = Type.Object(
  { ...corp, timestamp, subject },
  { ...closed, description: 'A corp removed the suite: its data key is destroyed, and all that we hold of it must go.' },
)

export const CorpNotified = Type.Object(
  {
    customer: corp.customer,
    suiteId: corp.suiteId,
    authCorpId: Type.Union([corp.authCorpId, Type.Null()], { description: 'null when the callback names no corp.' }),
    infoType: Type.String({
      maxLength: 64,
      pattern: NO_CONTROL,
      description: 'InfoType, or Event of a self-built app; cut at 64 characters.',
    }),
    timestamp: Type.Union([timestamp, Type.Null()], { description: 'null when the callback gives none that can be read.' }),
    subject,
    sealed: sealed('A ContactPart without its tickets and codes'),
  },
  { ...closed, description: 'A verified callback that changes no directory, or that nobody can read; kept, never acted on.' },
)

/** A field of a callback: a text, or fields of its own, or a list of either. */
export type ContactField = string | { readonly [name: string]: ContactField } | readonly ContactField[]

/** What `sealed` of these events opens to: whom the callback was sealed for, and every field as text. */
export type ContactPart = { receiveId: string; fields: Readonly<Record<string, ContactField>> }
