import { addApp } from '@tributary/database'
import { createLazadaMarketplace, type LazadaSimulator } from '@tributary/test/simulators/lazada'
import { slowestAnswers } from './answers.ts'
import type { Row } from './benchmark.ts'
import type { Post } from './posting.ts'
import { servedGateway } from './served-gateway.ts'

/** Lazada's pushes at 200 a second, while projections run. */
export async function pushLatency(): Promise<Row[]> {
  const lazada = await createLazadaMarketplace({ seed: 3 })
  const { authorizeUrl, authUrl, apiUrl } = lazada.urls
  const gateway = await servedGateway({
    name: 'push',
    services: ['ingest', 'projector'],
    qifu: { lazada: { 'authorize-url': authorizeUrl, 'auth-url': authUrl, 'api-url': apiUrl } },
  })
  try {
    await addApp(gateway.database, { channel: 4, name: 'bench', ...lazada.app, scopes: [...lazada.app.scopes] })
    const { sellerId } = lazada.addSeller()
    return await slowestAnswers('Lazada', gateway.url, (count) => pushes(lazada, sellerId, count))
  } finally {
    await gateway.close()
    await lazada.close()
  }
}

/** Pushes, each of another order, as Lazada writes them. */
function pushes(lazada: LazadaSimulator, sellerId: string, count: number): Post[] {
  const seconds = Math.floor(Date.now() / 1_000)
  return Array.from({ length: count }, (_, index) => {
    const order = `9${String(seconds).slice(-6)}${String(index).padStart(9, '0')}`
    const data = `{"order_status":"pending","trade_order_id":"${order}","trade_order_line_id":"${order}1","status_update_time":${seconds}}`
    const message = `{"seller_id":"${sellerId}","message_type":0,"data":${data},"timestamp":${seconds},"site":"lazada_th"}`
    const { body, authorization } = lazada.push(message)
    return { path: '/open/order/callback/4', headers: { authorization, 'content-type': 'application/json' }, body }
  })
}
