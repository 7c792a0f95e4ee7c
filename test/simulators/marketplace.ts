/** What every simulated marketplace can do, so that the sandbox and the channels' contract suite can play any of them. */
export type SimulatedMarketplace = {
  /** 1 eBay, 2 TikTok Shop, 3 Amazon, 4 Lazada. */
  readonly channel: number
  /** Of its pages and its API. */
  readonly origin: string
  /** Its section in the configuration file (`qifu.eg.<channel>`) for a gateway at this address. */
  configuration(gatewayUrl: string): Record<string, unknown>
  /** What that section fills from the environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** What `app add` is told. */
  readonly app: {
    clientId: string
    clientSecret: string
    developerId: string
    scopes: readonly string[]
    redirectUri: string
    attachInfo: Readonly<Record<string, unknown>>
  }
  /** Where its notifications and the browsers of consenting sellers go; the same address as given to `configuration`. */
  connect(gatewayUrl: string): void
  addSeller(): { sellerId: string }
  /** Agrees on the consent page as this seller would; answers where the browser is sent back to, whole. */
  consent(authorizeUrl: string, sellerId: string): Promise<string>
  /** Lets a seller get an order that may be shipped. `lines` is how many line items it has. */
  addOrder(sellerId: string): { orderId: string; lines: number }
  /** Tells the gateway of the order, again and again until it says yes or the attempts are used up. Milliseconds. */
  notify(orderId: string, options: { attempts: number; pause: number }): Promise<void>
  /** The parcels of an order that the marketplace has taken note of. */
  shipments(orderId: string): readonly { trackingNumber: string }[]
  close(): Promise<void>
}
