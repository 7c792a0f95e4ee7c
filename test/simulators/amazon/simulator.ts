import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import type { AmazonUrls, SnsMessage } from '@tributary/channels/amazon'
import express from 'express'
import { consentPage } from '../consent-page.ts'
import { createFaults } from '../faults.ts'
import type { SimulatedMarketplace } from '../marketplace.ts'
import { serve } from '../serving.ts'
import type { People, SimulatedApp } from './answering.ts'
import type { Fault, Operation } from './faults.ts'
import { createMarket, type Market } from './market.ts'
import { createQueue, QUEUE_CREDENTIALS, QUEUE_PATH, type SimulatedQueue } from './queue.ts'
import { apiRoutes } from './routes.ts'
import { createTopic, type SimulatedTopic } from './topic.ts'

/** An Amazon that checks tokens, regions and roles, with a queue at SQS and a topic at SNS, over HTTP on loopback. */
export type AmazonSimulator = SimulatedMarketplace & {
  readonly urls: AmazonUrls & { readonly authorizeUrl: string }
  readonly market: Market
  readonly credentials: SimulatedApp
  readonly queue: SimulatedQueue
  readonly queueUrl: string
  readonly topic: SimulatedTopic
  /** Every call that arrived, oldest first. */
  readonly calls: readonly Operation[]
  /** The query of every searchOrders that arrived, oldest first. */
  readonly searches: readonly URLSearchParams[]
  fail(fault: Fault): void
  heal(): void
  /** Whether a refresh replaces the refresh token. */
  rotates: boolean
  people: People
  /** The text of an ORDER_CHANGE; the id of the notification is new each time unless it is given, its time that of the order. */
  orderChange(orderId: string, change?: { notificationId?: string; time?: number }): string
  /** Posts a message to the gateway as SNS does; the status of the answer. */
  post(message: SnsMessage): Promise<number>
  /** The query with which Amazon opens an app's login address when a seller begins in the appstore. */
  appstoreQuery(sellerId: string): URLSearchParams
}

/** Starts the simulator. `seed` repeats its orders; `notifies` says whether its notifications lie in the queue or are posted by SNS. */
export async function createAmazonMarketplace(
  options: { seed?: number; clock?: () => number; notifies?: 'queue' | 'topic' } = {},
): Promise<AmazonSimulator> {
  const clock = options.clock ?? Date.now
  const market = createMarket({ seed: options.seed ?? 1, clock })
  const faults = createFaults<Operation>()
  const calls: Operation[] = []
  const searches: URLSearchParams[] = []
  const credentials: SimulatedApp = {
    clientId: 'amzn1.application-oa2-client.simulated',
    clientSecret: randomBytes(32).toString('hex'),
    applicationId: 'amzn1.sp.solution.simulated',
    redirectUri: 'https://gateway.example/open/order/oauth/callback/3',
  }
  let gateway = ''
  const { queue, routes: queueRoutes } = createQueue({ calls, faults })
  const { topic, routes: topicRoutes } = createTopic({ calls, faults }, clock)
  const application = express()
  application.use(express.text({ type: () => true, limit: '4mb' }))
  application.use(consentPage('/apps/authorize/consent', 'Amazon', () => simulator))
  application.use(queueRoutes, topicRoutes)
  application.use(
    apiRoutes({
      market,
      app: credentials,
      faults,
      calls,
      searches,
      people: () => simulator.people,
      rotates: () => simulator.rotates,
    }),
  )
  const { origin, close } = await serve(application)
  const appstoreStates = new Set<string>()
  const callback = `${origin}/apps/authorize/confirm/${credentials.applicationId}`

  function orderChange(orderId: string, change: { notificationId?: string; time?: number } = {}): string {
    const entry = market.orders.get(orderId)
    const updated = Date.parse(entry?.order.lastUpdatedTime ?? '')
    const { notificationId = randomUUID(), time = updated || clock() } = change
    const moment = new Date(time).toISOString()
    const changed = {
      NotificationLevel: 'OrderLevel',
      SellerId: entry?.sellerId ?? 'ANOBODY',
      AmazonOrderId: orderId,
      OrderChangeType: 'OrderStatusChange',
      OrderChangeTrigger: { TimeOfOrderChange: moment, ChangeReason: null },
      Summary: { MarketplaceId: entry?.order.salesChannel.marketplaceId, OrderStatus: 'Unshipped', OrderItems: [] },
    }
    return JSON.stringify({
      ...{ NotificationVersion: '1.0', NotificationType: 'ORDER_CHANGE', PayloadVersion: '1.0', EventTime: moment },
      Payload: { OrderChangeNotification: changed },
      NotificationMetadata: { ApplicationId: credentials.applicationId, PublishTime: moment, NotificationId: notificationId },
    })
  }

  async function post(message: SnsMessage): Promise<number> {
    const headers = { 'content-type': 'text/plain; charset=UTF-8', 'x-amz-sns-message-type': message.Type }
    try {
      const to = `${gateway}/open/order/callback/3`
      return (await fetch(to, { method: 'POST', body: JSON.stringify(message), headers })).status
    } catch {
      return 0
    }
  }

  const simulator: AmazonSimulator = {
    channel: 3,
    origin,
    urls: {
      authorizeUrl: `${origin}/apps/authorize/consent`,
      tokenUrl: `${origin}/auth/o2/token`,
      apiUrls: { na: `${origin}/na`, eu: `${origin}/eu`, fe: `${origin}/fe` },
    },
    market,
    credentials,
    queue,
    queueUrl: `${origin}${QUEUE_PATH}`,
    topic,
    calls,
    searches,
    fail: faults.add,
    heal: faults.clear,
    rotates: false,
    people: 'given',
    orderChange,
    post,
    configuration: () => ({
      'authorize-url': `${origin}/apps/authorize/consent`,
      'token-url': `${origin}/auth/o2/token`,
      'api-url': `${origin}/eu`,
      queue: {
        url: `${origin}${QUEUE_PATH}`,
        'access-key-id': QUEUE_CREDENTIALS.accessKeyId,
        'secret-access-key': `\${SANDBOX_QUEUE_SECRET}`,
      },
    }),
    environment: { SANDBOX_QUEUE_SECRET: QUEUE_CREDENTIALS.secretAccessKey },
    app: {
      clientId: credentials.clientId,
      clientSecret: credentials.clientSecret,
      developerId: credentials.applicationId,
      scopes: ['orders'],
      redirectUri: credentials.redirectUri,
      attachInfo: {},
    },
    connect(gatewayUrl) {
      gateway = gatewayUrl
    },
    addSeller: () => ({ sellerId: market.addAccount().sellerId }),
    appstoreQuery(sellerId) {
      const state = randomBytes(8).toString('hex')
      appstoreStates.add(state)
      return new URLSearchParams({ amazon_callback_uri: callback, amazon_state: state, selling_partner_id: sellerId })
    },
    async consent(authorizeUrl, sellerId) {
      const { origin: host, pathname, searchParams } = new URL(authorizeUrl)
      const isAppstore = `${host}${pathname}` === callback
      const fits = isAppstore
        ? appstoreStates.delete(searchParams.get('amazon_state') ?? '') &&
          searchParams.get('redirect_uri') === credentials.redirectUri
        : searchParams.get('application_id') === credentials.applicationId
      if (!fits) throw new Error('The consent names another app, another address or a state of nobody')
      const query = new URLSearchParams({
        state: searchParams.get('state') ?? '',
        selling_partner_id: sellerId,
        mws_auth_token: '',
        spapi_oauth_code: market.issueCode(sellerId),
      })
      return `${gateway}/open/order/oauth/callback/3?${query}`
    },
    addOrder(sellerId) {
      const order = market.addOrder(sellerId)
      return { orderId: order.orderId, lines: order.orderItems.length }
    },
    async notify(orderId, { attempts, pause }) {
      const text = orderChange(orderId)
      if (options.notifies === 'queue') {
        await queue.removed(queue.send(text), attempts * pause)
        return
      }
      const message = topic.message({ Message: text })
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        if ((await post(message)) === 200) return
        await after(pause)
      }
    },
    shipments(orderId) {
      return market.orders.get(orderId)?.order.packages.map(({ trackingNumber }) => ({ trackingNumber })) ?? []
    },
    close,
  }
  return simulator
}
