import { Type } from 'typebox'
import { count, oneOf, optional, section, text, webAddress } from './terms.ts'

const seconds = (minimum: number, maximum: number) =>
  count(minimum, maximum, { expected: `seconds, ${minimum} to ${maximum}`, fix: 'Write a whole number of seconds.' })

/** How deliveries reach a host where that is not the ordinary way. */
const DeliveryHost = section({
  proxy: optional(
    text(
      {
        expected: 'the address of a proxy',
        fix: `For example http://proxy.internal:3128; its password as \${PROXY_PASSWORD}.`,
      },
      { pattern: '^https?://[^\\s]+$' },
    ),
  ),
  'certificate-file': optional(text({ expected: 'a file', fix: 'Name the file of our certificate, PEM, with its chain.' })),
  'key-file': optional(text({ expected: 'a file', fix: 'Name the file of its private key, PEM.' })),
})

/** How one endpoint is treated; its name is that of `endpoint list`. */
const DeliveryEndpoint = section({
  order: optional(oneOf(['key', 'none', 'strict'])),
  exhausted: optional(oneOf(['block', 'skip', 'latest'])),
  'schedule-seconds': optional(
    Type.Array(seconds(1, 604_800), { minItems: 1, expected: 'a list of seconds', fix: 'Write at least one wait.' }),
  ),
  'per-second': optional(count(1, 100_000, { expected: 'requests, 1 to 100000', fix: 'Write how many requests a second.' })),
})

const NETWORKS = Type.Array(text({ expected: 'a network or an address', fix: 'For example 10.1.0.0/16, or 192.168.3.7.' }))

/** Our own keys. */
export const Tributary = section({
  profile: optional(oneOf(['sandbox', 'production'])),
  server: optional(
    section({
      host: optional(text({ expected: 'an address to listen on', fix: 'For example 127.0.0.1, or 0.0.0.0 for all.' })),
      port: optional(count(0, 65_535, { expected: 'a port', fix: 'Write a whole number from 0 to 65535.' })),
      'trusted-proxies': optional(NETWORKS),
    }),
  ),
  database: optional(
    section({
      url: optional(
        text(
          {
            expected: 'an address mysql://user:password@host:port/name',
            fix: 'Best set TRIBUTARY_DATABASE_URL in the environment.',
          },
          { pattern: '^mysql://[^\\s]+/[^\\s/]+$' },
        ),
      ),
    }),
  ),
  log: optional(
    section({
      url: optional(
        text(
          {
            expected: 'an address such as mysql://user:password@host:port/name',
            fix: 'Best set TRIBUTARY_LOG_URL in the environment.',
          },
          { pattern: '^[a-z]+://[^\\s]+$' },
        ),
      ),
      partitions: optional(count(1, 256, { expected: 'a number of partitions', fix: 'Write a whole number from 1 to 256.' })),
    }),
  ),
  logging: optional(
    section({
      level: optional(oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])),
      format: optional(oneOf(['json', 'pretty'])),
    }),
  ),
  telemetry: optional(
    section({
      endpoint: optional(
        text(
          { expected: 'the address of an OTLP/HTTP collector', fix: 'For example http://localhost:4318.' },
          { pattern: '^https?://[^\\s]+$' },
        ),
      ),
      sampling: optional(
        Type.Number({
          minimum: 0,
          maximum: 1,
          expected: 'a share from 0 to 1',
          fix: 'Write 1 for every trace, 0.1 for a tenth.',
        }),
      ),
    }),
  ),
  metrics: optional(
    section({
      host: optional(text({ expected: 'an address to listen on', fix: 'For example 127.0.0.1, or 0.0.0.0 for all.' })),
      port: optional(count(0, 65_535, { expected: 'a port', fix: 'Write a whole number from 0 to 65535.' })),
    }),
  ),
  delivery: optional(
    section({
      'allow-addresses': optional(NETWORKS),
      hosts: optional(Type.Record(Type.String(), DeliveryHost)),
      endpoints: optional(Type.Record(Type.String(), DeliveryEndpoint)),
      'attempts-days': optional(count(2, 1_000, { expected: 'days, 2 to 1000', fix: 'Write a whole number of days.' })),
    }),
  ),
  ingest: optional(
    section({
      spool: optional(
        section({
          folder: text({ expected: 'a folder', fix: 'Name a folder on a local disk, one for each process that runs ingest.' }),
          'max-bytes': optional(
            count(1_048_576, 1_099_511_627_776, {
              expected: 'bytes, 1048576 to 1099511627776',
              fix: 'Write how much of the disk the spool may fill.',
            }),
          ),
        }),
      ),
    }),
  ),
  console: optional(
    section({
      'requests-per-minute': optional(
        count(1, 1_000_000, {
          expected: 'requests, 1 to 1000000',
          fix: 'Write how many requests a minute one caller may make.',
        }),
      ),
      oidc: optional(
        section({
          issuer: text(
            { expected: 'an https address', fix: "Write the issuer exactly as its tokens name it in 'iss'." },
            { pattern: webAddress },
          ),
          audience: text({ expected: 'the audience of our tokens', fix: "Write what its tokens for us hold in 'aud'." }),
          'jwks-uri': optional(
            text(
              { expected: 'an https address', fix: 'Leave it out to have it found through the issuer.' },
              { pattern: webAddress },
            ),
          ),
        }),
      ),
    }),
  ),
  'order-sync': optional(
    section({
      'poll-interval-seconds': optional(seconds(1, 86_400)),
      'overlap-seconds': optional(seconds(0, 86_400)),
      'reach-back-days': optional(
        count(1, 730, { expected: 'days, 1 to 730', fix: 'Write a whole number; eBay keeps two years.' }),
      ),
      'reminder-days': optional(count(0, 365, { expected: 'days, 0 to 365', fix: 'Write a whole number of days.' })),
      'shipment-days': optional(count(1, 3_650, { expected: 'days, 1 to 3650', fix: 'Write a whole number of days.' })),
      concurrency: optional(count(1, 64, { expected: 'a number of reads, 1 to 64', fix: 'Write a whole number.' })),
    }),
  ),
  'contact-sync': optional(
    section({
      'interval-hours': optional(count(1, 168, { expected: 'hours, 1 to 168', fix: 'Write a whole number of hours.' })),
      'calls-per-second': optional(
        count(1, 150, { expected: 'calls a second, 1 to 150', fix: 'WeCom lets 10,000 a minute through for each corp.' }),
      ),
    }),
  ),
})
