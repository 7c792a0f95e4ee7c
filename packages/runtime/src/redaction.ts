const HIDDEN = '[hidden]'
const DEEPEST = 6
const LONGEST_LIST = 100

/** Names that end so hold something that opens a door, whatever stands before. */
const secretName =
  /(token|secret|password|passphrase|authorization|cookie|signature|jwe|sealed|masterkeys?|apikey|accesskey|privatekey|state|ticket|authcode|permanentcode|aeskey)$/

/** Names under which channels and tables keep what belongs to a person. */
const personalNames = new Set(
  [
    'username fullName firstName lastName email phone phoneNumber primaryPhone secondaryPhone mobile telephone',
    'address addressLine1 addressLine2 contactAddress taxAddress finalDestinationAddress postalCode shipTo',
    'taxIdentifier taxpayerId eiasToken buyer buyerId buyerName buyerPhone buyerEmail buyerTaxId buyerRemark buyerCompanyName',
    'buyerCheckoutNotes buyerRegistrationAddress receiver receiverAddressLine1 receiverAddressLine2 receiverAddressDetail',
    'receiverCity receiverProvince receiverPostalCode personal original plaintext person people rawBody sql',
  ]
    .join(' ')
    .toLowerCase()
    .split(' '),
)

/** What an error code of ours, of Node or of a database looks like; anything else called `code` may be an OAuth code. */
const errorCode = /^[A-Z][A-Z0-9_]*$/

/**
 * A copy of a log line's fields in which secrets and personal data are hidden by name at any depth, and errors are
 * reduced to what is safe to keep: a driver's error would otherwise carry its SQL and the values in it.
 */
export function redacted(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Error) return redactedError(value, depth)
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`
  if (value instanceof Date) return value
  if (depth >= DEEPEST) return '[deeper]'
  if (Array.isArray(value)) return value.slice(0, LONGEST_LIST).map((item) => redacted(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, isHidden(name, item) ? HIDDEN : redacted(item, depth + 1)]),
  )
}

function isHidden(name: string, value: unknown): boolean {
  if (value === null || value === undefined || typeof value === 'boolean') return false
  const plain = name.replaceAll(/[-_]/g, '').toLowerCase()
  if (plain === 'code') return typeof value === 'string' && !errorCode.test(value)
  return secretName.test(plain) || personalNames.has(plain)
}

function redactedError(error: Error, depth: number): unknown {
  const { code, retriable, remedy, status } = error as {
    code?: unknown
    retriable?: unknown
    remedy?: unknown
    status?: unknown
  }
  return {
    type: error.name,
    message: error.message,
    ...(code !== undefined && !isHidden('code', code) ? { code } : {}),
    ...(retriable !== undefined ? { retriable } : {}),
    ...(remedy !== undefined ? { remedy } : {}),
    ...(status !== undefined ? { status } : {}),
    stack: error.stack,
    ...(error.cause !== undefined && depth < DEEPEST ? { cause: redacted(error.cause, depth + 1) } : {}),
  }
}

/** What gives itself away inside free text: credentials in addresses, authorization headers, query and JSON secrets. */
const inText: readonly [RegExp, string][] = [
  // A scheme is short. Without a bound, a path of letters, which anyone may ask us for, took a second for each 20 KB.
  [/([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@"]*):[^\s@/"]+@/gi, `$1:${HIDDEN}@`],
  [/\b(Bearer|Basic)\s+[\w+/=.~^#%-]{8,}/gi, `$1 ${HIDDEN}`],
  [
    /\b((?:\w+_)?token|(?:spapi_oauth_|auth_)?code|(?:amazon_)?state|(?:app_|client_|corp|suite_)?secret|password|echostr)=[^&\s"'\\]+/gi,
    `$1=${HIDDEN}`,
  ],
  [/(\\?"(?:\w*token|client_secret|password)\\?"\s*:\s*\\?")[^"\\]+/gi, `$1${HIDDEN}`],
  // The keys of Standard Webhooks that sign.
  [/\bwhs(?:ec|k)_[\w+/=]+/g, HIDDEN],
  // eBay's tokens and codes all start so.
  [/v\^1\.1#[\w^#+/=%.-]+/g, HIDDEN],
  // And Amazon's so.
  [/\bAtz[ar](?:\||%7C)[\w+/=%.-]+/g, HIDDEN],
]

/** The text with every secret hidden that shows by its form alone. For error messages and stacks, which others wrote. */
export function redactedText(text: string): string {
  return inText.reduce((rest, [pattern, replacement]) => rest.replaceAll(pattern, replacement), text)
}
