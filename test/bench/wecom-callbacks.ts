import { randomBytes } from 'node:crypto'
import { signedRequest, type WecomSimulator, xmlOf } from '../simulators/wecom/index.ts'
import { slowestAnswers } from './answers.ts'
import type { Row } from './benchmark.ts'
import type { Post } from './posting.ts'
import { servedGateway } from './served-gateway.ts'

const CUSTOMER = 'bench'
const SERVICES = ['ingest', 'order-sync', 'contact-sync', 'projector', 'dispatcher']

/** WeCom's callbacks at 200 a second to a gateway that runs every service, while its projections keep up with them. */
export async function callbackAnswers(wecom: WecomSimulator): Promise<Row[]> {
  const { apiUrl, selfBuilt } = wecom.customer
  const apps = Object.entries(selfBuilt).map(([name, { corpId, token, encodingAesKey, secret }]) => [
    name,
    { 'corp-id': corpId, token, 'encoding-aes-key': encodingAesKey, secret },
  ])
  const gateway = await servedGateway({
    name: 'wecom',
    services: SERVICES,
    qifu: { 'wework-map': { [CUSTOMER]: { 'api-url': apiUrl, 'self-built': Object.fromEntries(apps) } } },
  })
  try {
    return await slowestAnswers('wecom', gateway.url, (count) => newMembers(wecom, count))
  } finally {
    await gateway.close()
  }
}

/** Callbacks, each of another member in two departments. */
function newMembers(wecom: WecomSimulator, count: number): Post[] {
  const access = wecom.access('', CUSTOMER, 'self-built')
  const round = randomBytes(4).toString('hex')
  return Array.from({ length: count }, (_, number) => {
    const member = { UserID: `${round}-${number}`, Name: '张三', Department: '1,2' }
    const { query, body } = signedRequest(access, xmlOf(wecom.change(wecom.selfBuilt, 'create_user', member)))
    return { path: `${access.url}?${query}`, headers: { 'content-type': 'text/xml' }, body }
  })
}
