import { writeFile } from 'node:fs/promises'
import { stringify } from 'yaml'

/** What the sandbox's configuration depends on. */
export type SandboxAddresses = {
  port: number
  metricsPort: number
  spoolFolder: string
  /** `qifu.eg.<channel>` by the channel's name. */
  channels: Readonly<Record<string, Record<string, unknown>>>
  /** `qifu.eg.wework-map`, where contacts flow. */
  wework: Record<string, unknown> | undefined
  /** By `server_name`. */
  receivers: Readonly<Record<string, string>>
}

/**
 * Writes the sandbox's configuration as an operator would write it, so that every command works on the running sandbox.
 * Secrets stay in the environment.
 */
export async function writeConfigurationFile(file: string, addresses: SandboxAddresses): Promise<void> {
  const { port, metricsPort, spoolFolder, channels, wework, receivers } = addresses
  const document = {
    tributary: {
      profile: 'sandbox',
      server: { host: '127.0.0.1', port },
      metrics: { host: '127.0.0.1', port: metricsPort },
      ingest: { spool: { folder: spoolFolder } },
      'order-sync': { 'poll-interval-seconds': 30 },
      // Partners are on this machine here.
      delivery: { 'allow-addresses': ['127.0.0.1'] },
    },
    qifu: {
      eg: {
        ...channels,
        ...(wework ? { 'wework-map': wework } : {}),
        spi: { services: receivers },
      },
    },
    // So that a browser can show the page of the API.
    yuanmeng: { web: { filter: { 'external-url-list': ['/v3/api-docs'] } } },
  }
  await writeFile(file, stringify(document))
}
