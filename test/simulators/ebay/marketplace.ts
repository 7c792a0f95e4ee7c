import type { SimulatedMarketplace } from '../marketplace.ts'
import { EBAY_SCOPES, type EbaySimulator } from './simulator.ts'

/** Plays eBay for whoever does not care which marketplace it is. */
export function ebayMarketplace(simulator: EbaySimulator, challengeVerificationToken: string): SimulatedMarketplace {
  const { market, notifications, urls, app } = simulator
  let callback = ''
  return {
    channel: 1,
    origin: new URL(urls.tokenUrl).origin,
    configuration: (gatewayUrl) => ({
      'authorize-url': urls.authorizeUrl,
      'token-url': urls.tokenUrl,
      'order-url': urls.orderUrl,
      'shipping-fulfillment-url': urls.shippingFulfillmentUrl,
      'public-key-url': urls.publicKeyUrl,
      'user-url': urls.userUrl,
      'challenge-verification-token': challengeVerificationToken,
      'notification-endpoint': `${gatewayUrl}/open/order/callback/1`,
    }),
    app: {
      clientId: app.clientId,
      clientSecret: app.clientSecret,
      developerId: '',
      scopes: EBAY_SCOPES,
      redirectUri: app.ruName,
      attachInfo: {},
    },
    connect(gatewayUrl) {
      callback = `${gatewayUrl}/open/order/callback/1`
      app.acceptUrl = `${gatewayUrl}/open/order/oauth/callback/1`
    },
    addSeller: () => ({ sellerId: market.addSeller().userId }),
    consent: (authorizeUrl, sellerId) => simulator.consent(authorizeUrl, { userId: sellerId, accept: true }),
    addOrder(sellerId) {
      const order = market.addOrder(sellerId)
      return { orderId: order.orderId, lines: order.lineItems.length }
    },
    async notify(orderId, options) {
      await notifications.send(callback, notifications.orderConfirmation(orderId), options)
    },
    shipments: (orderId) =>
      (market.orders.get(orderId)?.fulfillments ?? []).map((parcel) => ({ trackingNumber: parcel.shipmentTrackingNumber })),
    close: () => simulator.close(),
  }
}
