import type { TableDefinition } from '@tributary/projection'
import { AUDIT_COLUMNS, USUAL_AUDIT } from '@tributary/projection/folding'

export const ORDER_TABLE = 'eg_order_order'
export const DETAIL_TABLE = 'eg_order_order_detail'
export const ORIGINAL_TABLE = 'eg_order_order_original'
export const FACTS_TABLE = 'tributary_order_fold'

/** How many characters the text columns of `eg_order_order` hold. */
export const ORDER_LIMITS = {
  status: 50,
  buyer_id: 100,
  buyer_remark: 500,
  buyer_name: 100,
  buyer_phone: 50,
  buyer_email: 100,
  buyer_tax_id: 100,
  buyer_tax_type: 50,
  buyer_company_name: 100,
  receiver_address_line1: 255,
  receiver_address_line2: 255,
  receiver_address_detail: 1000,
  receiver_city: 128,
  receiver_country_code: 20,
  receiver_province: 100,
  receiver_postal_code: 20,
  cancel_state: 20,
  cancelled_date: 50,
  creation_date: 50,
  last_modified_date: 50,
  order_fulfillment_status: 20,
  order_payment_status: 20,
  seller_id: 255,
  original_md5: 255,
} as const
export type OrderTextColumn = keyof typeof ORDER_LIMITS

/** How many characters the text columns of `eg_order_order_detail` hold. */
export const DETAIL_LIMITS = { line_item_id: 255, title: 255, sku: 100 } as const

/** How many bytes the column `original` holds: a MEDIUMTEXT. */
export const ORIGINAL_LIMIT = 16_777_215

/** The largest number in the column `quantity`, an INT; the smallest is one less than its negative. */
export const LARGEST_QUANTITY = 2_147_483_647

export const TABLES: readonly TableDefinition[] = [
  {
    name: ORDER_TABLE,
    primaryKey: 'id',
    columns: [
      'id',
      'channel',
      'order_app_seller_id',
      'order_id',
      'status',
      'buyer_id',
      'buyer_remark',
      'buyer_name',
      'buyer_phone',
      'buyer_email',
      'buyer_tax_id',
      'buyer_tax_type',
      'buyer_company_name',
      'receiver_address_line1',
      'receiver_address_line2',
      'receiver_address_detail',
      'receiver_city',
      'receiver_country_code',
      'receiver_province',
      'receiver_postal_code',
      'cancel_state',
      'cancelled_date',
      'creation_date',
      'creation_date_time',
      'last_modified_date',
      'last_modified_date_time',
      'order_fulfillment_status',
      'order_payment_status',
      'seller_id',
      'original_md5',
      ...AUDIT_COLUMNS,
    ],
    by: { columns: ['channel', 'order_app_seller_id', 'order_id'] },
    usual: USUAL_AUDIT,
    personal: (Object.keys(ORDER_LIMITS) as OrderTextColumn[]).filter((column) => /^(buyer|receiver)_/.test(column)),
  },
  {
    name: DETAIL_TABLE,
    primaryKey: 'id',
    columns: ['id', 'order_id', 'line_item_id', 'quantity', 'title', 'sku', ...AUDIT_COLUMNS],
    by: { parent: ORDER_TABLE, column: 'order_id' },
    usual: USUAL_AUDIT,
  },
  {
    name: ORIGINAL_TABLE,
    primaryKey: 'id',
    columns: ['id', 'order_id', 'original', ...AUDIT_COLUMNS],
    by: { parent: ORDER_TABLE, column: 'order_id' },
    usual: USUAL_AUDIT,
    personal: ['original'],
  },
  { name: FACTS_TABLE, primaryKey: 'id', columns: ['id', 'facts'], by: { parent: ORDER_TABLE, column: 'id' } },
]
