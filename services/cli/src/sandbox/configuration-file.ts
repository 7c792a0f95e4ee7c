import { writeFile } from 'node:fs/promises'
import { stringify } from 'yaml'

/** What the sandbox's configuration depends on. */
export type SandboxAddresses = {
  port: number
  metricsPort: number
  ebay: Record<string, string>
  /** By `server_name`. */
  receivers: Readonly<Record<string, string>>
}

/**
 * Writes the sandbox's configuration as an operator would write it, so that every command works on the running sandbox.
 * Secrets stay in the environment.
 */
export async function writeConfigurationFile(file: string, addresses: SandboxAddresses): Promise<void> {
  const { port, metricsPort, ebay, receivers } = addresses
  const document = {
    tributary: {
      profile: 'sandbox',
      server: { host: '127.0.0.1', port },
      metrics: { host: '127.0.0.1', port: metricsPort },
      'order-sync': { 'poll-interval-seconds': 30 },
    },
    qifu: {
      eg: {
        ebay: {
          ...Object.fromEntries(Object.entries(ebay).map(([name, url]) => [kebabCase(name), url])),
          'challenge-verification-token': `\${SANDBOX_CHALLENGE_TOKEN}`,
          'notification-endpoint': `http://127.0.0.1:${port}/open/order/callback/1`,
        },
        spi: { services: receivers },
      },
    },
  }
  await writeFile(file, stringify(document))
}

const kebabCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
