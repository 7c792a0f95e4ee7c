import { type Fields, textOf } from './fields.ts'

/** The seven changes of a directory. `update_tag` changes neither members nor departments. */
export const CHANGE_TYPES = [
  'create_user',
  'update_user',
  'delete_user',
  'create_party',
  'update_party',
  'delete_party',
  'update_tag',
] as const
export type ChangeType = (typeof CHANGE_TYPES)[number]

/** What a callback says. Times are seconds since 1970, WeCom's own. `suiteId` is empty for a self-built app. */
export type WecomMessage =
  | { kind: 'suite-ticket'; suiteId: string; ticket: string; timestamp: number }
  /** A corp installed the suite, or its permanent code is to be fetched anew (reset_permanent_code). */
  | { kind: 'authorization-code'; suiteId: string; authCode: string; timestamp: number }
  | { kind: 'authorization-changed'; suiteId: string; corpId: string; timestamp: number }
  | { kind: 'authorization-cancelled'; suiteId: string; corpId: string; timestamp: number }
  | { kind: 'contact-changed'; suiteId: string; corpId: string; changeType: ChangeType; timestamp: number }
  /** Whatever we do not know, or know but cannot read; kept, never acted on. */
  | { kind: 'other'; suiteId: string; corpId: string | null; infoType: string; timestamp: number | null }

/** Seconds that a date can still name; more would be milliseconds by mistake. */
const TIME = /^\d{1,11}$/

/** Tells what the fields of a callback say. The suite form has InfoType, the self-built form MsgType and Event. */
export function readMessage(fields: Fields): WecomMessage {
  const infoType = textOf(fields, 'InfoType')
  return infoType === undefined ? selfBuilt(fields) : ofSuite(fields, infoType)
}

function ofSuite(fields: Fields, infoType: string): WecomMessage {
  const suiteId = textOf(fields, 'SuiteId') ?? ''
  const timestamp = timeOf(textOf(fields, 'TimeStamp'))
  const corpId = corpIdOf(textOf(fields, 'AuthCorpId'))
  const [authCode, ticket] = ['AuthCode', 'SuiteTicket'].map((name) => textOf(fields, name) || undefined)
  const other: WecomMessage = { kind: 'other', suiteId, corpId: corpId ?? null, infoType, timestamp }
  if (timestamp === null) return other
  switch (infoType) {
    case 'suite_ticket':
      return ticket === undefined ? other : { kind: 'suite-ticket', suiteId, ticket, timestamp }
    case 'create_auth':
    case 'reset_permanent_code':
      return authCode === undefined ? other : { kind: 'authorization-code', suiteId, authCode, timestamp }
    case 'change_auth':
      return corpId === undefined ? other : { kind: 'authorization-changed', suiteId, corpId, timestamp }
    case 'cancel_auth':
      return corpId === undefined ? other : { kind: 'authorization-cancelled', suiteId, corpId, timestamp }
    case 'change_contact':
      return contact(fields, { suiteId, corpId, timestamp }) ?? other
    default:
      return other
  }
}

function selfBuilt(fields: Fields): WecomMessage {
  const corpId = corpIdOf(textOf(fields, 'ToUserName'))
  const timestamp = timeOf(textOf(fields, 'CreateTime'))
  const infoType = textOf(fields, 'Event') ?? textOf(fields, 'MsgType') ?? ''
  const other: WecomMessage = { kind: 'other', suiteId: '', corpId: corpId ?? null, infoType, timestamp }
  if (timestamp === null || textOf(fields, 'MsgType') !== 'event' || infoType !== 'change_contact') return other
  return contact(fields, { suiteId: '', corpId, timestamp }) ?? other
}

function contact(
  fields: Fields,
  { suiteId, corpId, timestamp }: { suiteId: string; corpId: string | undefined; timestamp: number },
): WecomMessage | undefined {
  const changeType = CHANGE_TYPES.find((type) => type === textOf(fields, 'ChangeType'))
  if (changeType === undefined || corpId === undefined || !namesItsSubject(changeType, fields)) return undefined
  return { kind: 'contact-changed', suiteId, corpId, changeType, timestamp }
}

/** Of a member; WeCom allows 100. Each costs a row id, so a list without an end must not reach that. */
const MOST_DEPARTMENTS = 1_000

/** Longer ones, or such with control characters, name no corp of WeCom. */
const corpIdOf = (text: string | undefined): string | undefined =>
  text !== undefined && /^[^\p{Cc}\p{Cs}]{1,64}$/u.test(text) ? text : undefined

/** A change that does not say of whom cannot be applied to anybody. */
function namesItsSubject(changeType: ChangeType, fields: Fields): boolean {
  if (changeType === 'update_tag') return true
  if (listOf(textOf(fields, 'Department')).length > MOST_DEPARTMENTS) return false
  return Boolean(textOf(fields, changeType.endsWith('_user') ? 'UserID' : 'Id'))
}

/** A comma list of WeCom's to its parts, each once. */
export const listOf = (text: string | undefined): string[] => [
  ...new Set(
    (text ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
]

const timeOf = (text: string | undefined): number | null => (text !== undefined && TIME.test(text) ? Number(text) : null)
