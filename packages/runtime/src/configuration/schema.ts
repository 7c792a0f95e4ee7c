import { type Static, Type } from 'typebox'
import { Discovery } from './schema/discovery.ts'
import { Amazon, Ebay, Lazada, Tiktok } from './schema/marketplaces.ts'
import { named, optional, section, serviceUrl, text } from './schema/terms.ts'
import { Tributary } from './schema/tributary.ts'
import { WeworkCustomer } from './schema/wework.ts'

const consumerGroup = text(
  { expected: 'the name of a consumer group', fix: 'Write letters, digits, dots, _ or -, at most 100.' },
  { pattern: '^[A-Za-z0-9._-]{1,100}$' },
)

const Eg = section({
  ebay: optional(Ebay),
  tiktok: optional(Tiktok),
  amazon: optional(Amazon),
  lazada: optional(Lazada),
  'consumer-group': optional(
    section({ 'order-spi': optional(consumerGroup), 'wework-event-webhook': optional(consumerGroup) }),
  ),
  spi: optional(section({ services: optional(Type.Record(Type.String(), serviceUrl)), discovery: optional(Discovery) })),
  'wework-map': optional(named(WeworkCustomer, 100)),
})

/** Of the company's web filter: which paths need no login. Its other keys are for others. */
const Yuanmeng = Type.Object({
  web: optional(
    Type.Object({
      filter: optional(
        Type.Object({
          'enable-user-login': optional(
            Type.Literal(true, {
              expected: 'true',
              fix: 'The API cannot be opened to everybody; name what needs no login in external-url-list.',
            }),
          ),
          'external-url-list': optional(
            Type.Array(text({ expected: 'the start of a path', fix: 'For example /v3/api-docs.' }, { pattern: '^/[^\\s]*$' })),
          ),
        }),
      ),
    }),
  ),
})

/** The file as operators write it. Other roots and other keys beside `qifu.eg` belong to others and are left alone. */
export const FileSchema = Type.Object({
  qifu: optional(Type.Object({ eg: optional(Eg) })),
  yuanmeng: optional(Yuanmeng),
  tributary: optional(Tributary),
})

export type FileContent = Static<typeof FileSchema>
