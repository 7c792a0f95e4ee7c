import type { Configuration, NacosRegistry } from '../configuration.ts'
import type { ConfigurationProblem } from './error.ts'
import type { FileContent } from './schema.ts'

type Section = NonNullable<NonNullable<NonNullable<NonNullable<FileContent['qifu']>['eg']>['spi']>['discovery']>
type NacosSection = NonNullable<Section['nacos']>

const KEY = 'qifu.eg.spi.discovery'

/** What `qifu.eg.spi.discovery` says. */
export function discoveryConfiguration(section: Section | undefined): Pick<Configuration, 'spiDiscovery'> {
  if (!section) return {}
  const { address, srv, nacos } = section
  return {
    spiDiscovery: { address, ...(srv === undefined ? {} : { srv }), ...(nacos ? { nacos: registryOf(nacos) } : {}) },
  }
}

function registryOf({ url, namespace = 'public', group = 'DEFAULT_GROUP', ...rest }: NacosSection): NacosRegistry {
  const { cluster, username, password } = rest
  return {
    ...{ url: url.replace(/\/+$/, ''), namespace, group },
    ...(cluster === undefined ? {} : { cluster }),
    ...(username === undefined || password === undefined ? {} : { login: { username, password } }),
  }
}

/** What is wrong with the section as a whole, though each of its values is as it should be. */
export function discoveryProblems(section: Section | undefined): ConfigurationProblem[] {
  if (!section) return []
  const { address, srv, nacos } = section
  const isByInstance = address.includes('{instance}')
  const problems: ConfigurationProblem[] = []
  const add = (key: string, expected: string, found: string, fix: string) =>
    problems.push({ key: `${KEY}.${key}`, expected, found, fix })
  if (srv !== undefined && nacos) add('srv', 'srv or nacos', 'both', 'Leave one of them out.')
  if (isByInstance && srv === undefined && !nacos)
    add('address', 'srv or nacos beside {instance}', 'neither', 'Say where the instances are told, or write {server_name}.')
  if (!isByInstance && (srv !== undefined || nacos))
    add('address', 'an address with {instance}', 'one without', 'Write {instance} where host and port belong.')
  if ((nacos?.username === undefined) !== (nacos?.password === undefined))
    add('nacos', 'username and password', 'one of them', 'Write both, or none where Nacos asks for none.')
  return problems
}
