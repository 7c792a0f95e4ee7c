import type { TableDefinition } from '@tributary/projection'
import { AUDIT_COLUMNS } from '@tributary/projection/folding'

export const SELLER_TABLE = 'eg_order_app_seller'

/** How many characters the text columns hold, where they are short enough to matter. */
export const SELLER_LIMITS = { region: 50, spi_server_codes: 255 } as const

/** How many bytes the column `refresh_token` holds: a TEXT. */
export const TOKEN_LIMIT = 65_535

/** The largest number in the column `refresh_token_expires_in`, an INT. */
export const LONGEST_EXPIRY = 2_147_483_647

/** How many characters of a seller's name `attach_info` keeps, so that the name alone never outgrows the column. */
export const LONGEST_NAME = 255

export const TABLES: readonly TableDefinition[] = [
  {
    name: SELLER_TABLE,
    primaryKey: 'id',
    columns: [
      'id',
      'channel',
      'seller_id',
      'order_app_id',
      'region',
      'spi_server_codes',
      'refresh_token',
      'refresh_token_expires_in',
      'refresh_token_expires_time',
      'attach_info',
      ...AUDIT_COLUMNS,
    ],
    by: { columns: ['channel', 'seller_id'] },
  },
]
