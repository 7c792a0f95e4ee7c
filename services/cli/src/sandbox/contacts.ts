import { randomBytes } from 'node:crypto'
import { type Database, listCorps } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { pause } from '@tributary/runtime'
import { createSpiReceiver, type SpiReceiver } from '@tributary/test/simulators/spi'
import { createWecomSimulator, type WecomSimulator } from '@tributary/test/simulators/wecom'
import { countContactChanges } from './report.ts'

const CUSTOMER = 'sandbox'
const DEPARTMENTS = 3
const LOOK_INTERVAL = 50
/** How long the first reading of an empty directory may take, milliseconds. */
const READING_WITHIN = 30_000

/** A simulated WeCom with one corp that installs our suite, and a partner who wants to hear of every change. */
export type ContactWorld = {
  readonly origin: string
  readonly partner: SpiReceiver
  /** `qifu.eg.wework-map` of the configuration; its secrets are in `environment`. */
  readonly configuration: Record<string, unknown>
  readonly environment: Readonly<Record<string, string>>
  /** Installs the suite and waits until the directory has been read, so that what follows is told by callbacks. */
  authorize(gatewayUrl: string, database: Database): Promise<void>
  /** Lets the corp take on a member, and tells the gateway until it says yes. */
  hire(gatewayUrl: string): Promise<void>
  close(): Promise<void>
}

export async function openContactWorld(seed: number): Promise<ContactWorld> {
  const wecom = await createWecomSimulator()
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const partner = await createSpiReceiver({ secret })
  const corp = wecom.addCorp({ departments: DEPARTMENTS, members: 0, seed })
  let hired = 0
  return {
    origin: new URL(wecom.customer.apiUrl).origin,
    partner,
    configuration: configurationOf(wecom, { corpId: corp.corpId, partnerUrl: partner.url }),
    environment: {
      SANDBOX_WEWORK_TOKEN: wecom.customer.suite?.token ?? '',
      SANDBOX_WEWORK_AES_KEY: wecom.customer.suite?.encodingAesKey ?? '',
      SANDBOX_WEWORK_SECRET: wecom.suite.secret,
      SANDBOX_WEBHOOK_SECRET: secret,
    },
    async authorize(gatewayUrl, database) {
      const command = wecom.access(gatewayUrl, CUSTOMER, 'command')
      await wecom.send(command, wecom.ticket())
      await wecom.send(command, wecom.authorize(corp))
      const until = Date.now() + READING_WITHIN
      while (!(await listCorps(database)).some(({ successTime }) => successTime > 0)) {
        if (Date.now() > until) throw new Error('The directory of the simulated corp was not read')
        await pause(LOOK_INTERVAL)
      }
    },
    async hire(gatewayUrl) {
      hired += 1
      const userid = `member-${String(hired).padStart(4, '0')}`
      const department = 1 + (hired % DEPARTMENTS)
      corp.members.set(userid, { userid, name: userid, departments: [department] })
      corp.changed()
      const fields = { UserID: userid, Name: userid, Department: String(department) }
      await wecom.send(wecom.access(gatewayUrl, CUSTOMER, 'data', corp), wecom.change(corp, 'create_user', fields))
    },
    async close() {
      await Promise.all([wecom.close(), partner.close()])
    },
  }
}

function configurationOf(wecom: WecomSimulator, { corpId, partnerUrl }: { corpId: string; partnerUrl: string }) {
  return {
    [CUSTOMER]: {
      'api-url': wecom.customer.apiUrl,
      suite: {
        'suite-id': wecom.suite.suiteId,
        'provider-corp-id': wecom.customer.suite?.providerCorpId,
        token: `\${SANDBOX_WEWORK_TOKEN}`,
        'encoding-aes-key': `\${SANDBOX_WEWORK_AES_KEY}`,
        secret: `\${SANDBOX_WEWORK_SECRET}`,
      },
      corps: { [corpId]: {} },
      webhooks: [{ url: partnerUrl, secret: `\${SANDBOX_WEBHOOK_SECRET}` }],
    },
  }
}

type Kept = { database: Database; log: EventLog }

/** Whether the partner was told of every change and the directory shows as many members as were taken on. */
export async function contactsArrived({ partner }: ContactWorld, { database, log }: Kept, sent: number): Promise<boolean> {
  // The whole topic is read only once the rows are there.
  return (await countMembers(database)) === sent && partner.record.taken >= (await countContactChanges(log))
}

/** How many members there are, and what the partner has heard, in a line. */
export const describeContacts = async ({ partner }: ContactWorld, { database }: Pick<Kept, 'database'>): Promise<string> =>
  `${await countMembers(database)} members in the directory, ${partner.record.taken} webhooks verified by the partner`

async function countMembers(database: Database): Promise<number> {
  const [row] = await database.query<{ members: number }[]>(
    'SELECT COUNT(*) AS members FROM eg_wework_member WHERE deleted = 0',
  )
  return row?.members ?? 0
}
