import { orders } from '@tributary/orders'
import type { Projection } from '@tributary/projection'
import { sellers } from '@tributary/sellers'

/** Every projection that there is. */
export const PROJECTIONS: readonly Projection[] = [orders, sellers]
