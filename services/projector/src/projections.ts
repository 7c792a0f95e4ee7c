import { orders } from '@tributary/orders'
import type { Projection } from '@tributary/projection'
import type { Configuration } from '@tributary/runtime'
import { sellers } from '@tributary/sellers'
import { mappedCorps } from '@tributary/wecom'
import { directory, memberEvents } from '@tributary/wework'

/** Every projection that there is, with one for the directory of each corp that the configuration gives a database. */
export const projectionsOf = (configuration: Pick<Configuration, 'wework'>): readonly Projection[] => [
  orders,
  sellers,
  memberEvents,
  ...mappedCorps(configuration.wework).map(directory),
]
