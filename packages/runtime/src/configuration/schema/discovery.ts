import { optional, section, serviceUrl, text } from './terms.ts'

const name = (what: string) => text({ expected: what, fix: 'Write it as Nacos shows it.' })

/** How SPI services are found that `services` does not name. */
export const Discovery = section({
  address: text(
    {
      expected: 'an http or https address with {server_name} or {instance}',
      fix: 'For example http://{server_name}.internal:8080/spi/orders, or http://{instance}/spi/orders.',
    },
    { pattern: '^https?://[^\\s]*\\{(server_name|instance)\\}[^\\s]*$' },
  ),
  srv: optional(
    text(
      { expected: 'the name of SRV records with {server_name}', fix: 'For example _http._tcp.{server_name}.service.consul.' },
      { pattern: '^[A-Za-z0-9._-]*\\{server_name\\}[A-Za-z0-9._-]*$' },
    ),
  ),
  nacos: optional(
    section({
      url: serviceUrl,
      namespace: optional(name('the id of a namespace')),
      group: optional(name('the name of a group')),
      cluster: optional(name('the name of a cluster')),
      username: optional(name('a user of Nacos')),
      password: optional(
        text({ expected: 'the password of that user', fix: `Write it as \${NACOS_PASSWORD} and set that variable.` }),
      ),
    }),
  ),
})
