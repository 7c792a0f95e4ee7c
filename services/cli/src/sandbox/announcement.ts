import { join } from 'node:path'
import type { World } from './world.ts'

/** What runs where, and what a person can do with it; `milliseconds` is how long the start took. */
export function describeReady(
  world: World,
  { milliseconds, rate, isEndless }: { milliseconds: number; rate: number; isEndless: boolean },
): string {
  const [warehouse, accounting] = world.receivers.map(({ url }) => url)
  return [
    `Ready after ${(milliseconds / 1000).toFixed(1)} s.`,
    `  gateway     ${world.gatewayUrl}  (ingest, order-sync, contact-sync, projector, dispatcher, console; ${world.gatewayUrl}/healthz)`,
    `  API         ${world.gatewayUrl}/v3/api-docs/page  (a key for it: npm run tributary -- api-key add --name me)`,
    `  metrics     ${world.metricsUrl}  (Prometheus)`,
    `  MariaDB     127.0.0.1:${world.server.port}, database tributary_sandbox`,
    ...(world.logServer ? [`  ${world.logServer.name.padEnd(11)} 127.0.0.1:${world.logServer.port}, the log`] : []),
    ...world.marketplaces.map(
      ({ channel, origin }) =>
        `  ${(world.platform.channels.get(channel)?.name ?? '').padEnd(11)} ${origin}  (simulated; one seller has authorized the app)`,
    ),
    ...(world.contacts ? [`  WeCom       ${world.contacts.origin}  (simulated; one corp has installed the suite)`] : []),
    `  receivers   warehouse ${warehouse}, accounting ${accounting}  (simulated; they verify every signature)`,
    ...world.marketplaces.map(
      ({ channel }, index) =>
        `  connect another shop of ${world.platform.channels.get(channel)?.name ?? ''} in a browser: ${world.gatewayUrl}/open/order/oauth/authorize/${channel}?app=${world.appIds[index]}&spi=warehouse,accounting`,
    ),
    ...howToLook(world),
    `They flow at ${rate} a second${isEndless ? '; Ctrl-C stops' : ''}:`,
  ].join('\n')
}

/** That MariaDB stays, and how to end it. */
export function describeKept(world: World): string {
  const pidFile = join(world.folder, 'mariadb/server.pid')
  return ['MariaDB stays.', ...howToLook(world), `  end it      kill $(cat ${pidFile})`].join('\n')
}

/** From another terminal: at the tables, and with every command. */
const howToLook = ({ server, folder, environmentFile }: World): string[] => [
  `  look        mysql --protocol=tcp --host=127.0.0.1 --port=${server.port} --user=root --password="$(cat ${join(folder, 'mariadb/password')})" tributary_sandbox`,
  `  operate     . ${environmentFile} && npm run tributary -- seller list`,
]
