import { Type } from 'typebox'
import { count, named, oneOf, optional, section, serviceUrl, text, webAddress } from './terms.ts'

const weworkId = (what: string) =>
  text(
    { expected: what, fix: "Write it as WeCom's console shows it: letters, digits, _ or -." },
    { pattern: '^[A-Za-z0-9_-]{1,64}$' },
  )

/** What protects a callback address at WeCom (W91144, W96238). */
const callback = {
  token: text(
    { expected: '1 to 32 letters and digits', fix: `Write the token of the callback address, best as \${WECOM_TOKEN}.` },
    { pattern: '^[A-Za-z0-9]{1,32}$' },
  ),
  'encoding-aes-key': text(
    { expected: '43 letters and digits', fix: `Write the EncodingAESKey of the callback address, best as \${WECOM_AES_KEY}.` },
    { pattern: '^[A-Za-z0-9]{43}$' },
  ),
  secret: optional(
    text({ expected: 'the secret of the suite or app', fix: `Write it as \${WECOM_SECRET} and set that variable.` }),
  ),
}

const directory = {
  schema: optional(
    text(
      { expected: 'the name of a database', fix: 'Name the database that holds the directory tables of this corp.' },
      { pattern: '^[A-Za-z0-9_$-]{1,64}$' },
    ),
  ),
  directory: optional(oneOf(['departments', 'contacts-edit', 'members'])),
}

const Suite = section({
  'suite-id': weworkId('the id of the suite'),
  'provider-corp-id': optional(weworkId("the provider's own corp id")),
  ...callback,
})

const SelfBuilt = section({ 'corp-id': weworkId('the id of the corp'), ...callback, ...directory })

/** A partner who is told of changes of the directories of one customer (docs/webhooks.md). */
const Webhook = section({
  url: serviceUrl,
  timeout: optional(count(1, 600_000, { expected: 'milliseconds', fix: 'Write a whole number from 1 to 600000.' })),
  events: optional(Type.Array(text({ expected: 'the name of an event', fix: 'For example change_contact.' }))),
  secret: optional(
    text({
      expected: 'whsec_ and 24 to 64 bytes in base64',
      fix: `Write it as \${PARTNER_WEBHOOK_SECRET} and set that variable.`,
    }),
  ),
  mode: optional(oneOf(['ce-binary', 'ce-structured', 'compat'])),
  fields: optional(oneOf(['thin', 'full'])),
})

/** A customer under `wework-map`. */
export const WeworkCustomer = section({
  webhooks: optional(Type.Array(Webhook)),
  suite: optional(Suite),
  corps: optional(Type.Record(Type.String(), section(directory))),
  'self-built': optional(named(SelfBuilt, 64)),
  'api-url': optional(
    text({ expected: 'an https address', fix: 'Leave it out to use WeCom itself.' }, { pattern: webAddress }),
  ),
})
