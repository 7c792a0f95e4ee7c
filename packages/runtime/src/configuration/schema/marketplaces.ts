import { Type } from 'typebox'
import { optional, section, text, webAddress } from './terms.ts'

const ebayUrl = (example: string, pattern = webAddress) =>
  optional(
    text(
      { expected: `an https address such as ${example}`, fix: 'Write the whole address, or leave it to tributary.profile.' },
      { pattern },
    ),
  )

export const Ebay = section({
  'authorize-url': ebayUrl('https://auth.ebay.com/oauth2/authorize'),
  'token-url': ebayUrl('https://api.ebay.com/identity/v1/oauth2/token'),
  'order-url': ebayUrl('https://api.ebay.com/sell/fulfillment/v1/order'),
  'shipping-fulfillment-url': ebayUrl(
    'https://api.ebay.com/sell/fulfillment/v1/order/{orderId}/shipping_fulfillment',
    `(?=.*\\{orderId\\})${webAddress}`,
  ),
  'public-key-url': ebayUrl('https://api.ebay.com/commerce/notification/v1/public_key/{kid}', `(?=.*\\{kid\\})${webAddress}`),
  'user-url': ebayUrl('https://apiz.ebay.com/commerce/identity/v1/user/'),
  'challenge-verification-token': optional(
    text(
      {
        expected: '32 to 80 letters, digits, _ or -',
        fix: `Write the token that is registered at eBay, best as \${EBAY_CHALLENGE_TOKEN}.`,
      },
      { pattern: '^[A-Za-z0-9_-]{32,80}$' },
    ),
  ),
  'notification-endpoint': optional(
    text(
      { expected: 'the https address of the webhook', fix: 'Write the address exactly as it is registered at eBay.' },
      { pattern: '^https?://[^\\s]+$' },
    ),
  ),
})

const channelUrl = (example: string) =>
  optional(
    text(
      { expected: `an https address such as ${example}`, fix: 'Write the whole address, or leave it out.' },
      { pattern: webAddress },
    ),
  )

export const Tiktok = section({
  'authorize-url': channelUrl('https://services.tiktokshop.com/open/authorize'),
  'auth-url': channelUrl('https://auth.tiktok-shops.com'),
  'api-url': channelUrl('https://open-api.tiktokglobalshop.com'),
})

export const Amazon = section({
  'authorize-url': channelUrl('https://sellercentral-europe.amazon.com/apps/authorize/consent'),
  'token-url': channelUrl('https://api.amazon.com/auth/o2/token'),
  'api-url': channelUrl('https://sandbox.sellingpartnerapi-eu.amazon.com'),
  draft: optional(
    Type.Boolean({ expected: 'true or false', fix: 'Write true while the app is a draft in the Solution Provider Portal.' }),
  ),
  queue: optional(
    section({
      url: text(
        {
          expected: 'the address of a queue such as https://sqs.eu-west-1.amazonaws.com/123456789012/order-change',
          fix: "Write the queue's URL as AWS shows it.",
        },
        { pattern: webAddress },
      ),
      'access-key-id': optional(
        text({ expected: 'the id of an access key', fix: `Write it as \${AWS_KEY_ID}, or leave both halves to the SDK.` }),
      ),
      'secret-access-key': optional(
        text({ expected: 'the secret of an access key', fix: `Write it as \${AWS_SECRET} and set that variable.` }),
      ),
    }),
  ),
  'sns-topics': optional(
    Type.Array(
      text(
        { expected: 'the ARN of a topic', fix: 'For example arn:aws:sns:eu-west-1:123456789012:order-change.' },
        { pattern: '^arn:aws(-[a-z-]+)?:sns:[a-z0-9-]+:\\d{12}:[A-Za-z0-9_.-]{1,256}$' },
      ),
    ),
  ),
})

export const Lazada = section({
  'authorize-url': channelUrl('https://auth.lazada.com/oauth/authorize'),
  'auth-url': channelUrl('https://auth.lazada.com/rest'),
  'api-url': channelUrl('https://api-sg.aliexpress.com/rest'),
})
