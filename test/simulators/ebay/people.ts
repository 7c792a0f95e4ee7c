import type { Address } from './order.ts'

/** Invented people at invented addresses, in the scripts and countries that make trouble. */
export type MadeUpPerson = { name: string; phone: string; company?: string; address: Address; currency: string }

export const PEOPLE: readonly [MadeUpPerson, ...MadeUpPerson[]] = [
  {
    name: 'Pat Example',
    phone: '+1 217 555 0123',
    company: 'Example Trading LLC',
    address: {
      addressLine1: '22 Sample Rd',
      addressLine2: 'Unit 7',
      city: 'Springfield',
      stateOrProvince: 'IL',
      postalCode: '62701-1234',
      countryCode: 'US',
    },
    currency: 'USD',
  },
  {
    name: 'Jürgen Größer-Müßig',
    phone: '+49 30 5550100',
    address: { addressLine1: 'Musterstraße 1 ½', city: 'Köln', postalCode: '50667', countryCode: 'DE' },
    currency: 'EUR',
  },
  {
    name: '山田 花子',
    phone: '+81 3 5550 0100',
    company: '株式会社サンプル',
    address: {
      addressLine1: '見本町1丁目2番3号',
      addressLine2: 'サンプルビル 405号室',
      city: '千代田区',
      stateOrProvince: '東京都',
      postalCode: '100-0000',
      countryCode: 'JP',
    },
    currency: 'JPY',
  },
  {
    name: '王小明',
    phone: '+86 10 5550 0100',
    address: {
      addressLine1: '样本路八十八号',
      addressLine2: '三单元 𠮷座',
      city: '朝阳区',
      stateOrProvince: '北京市',
      postalCode: '100000',
      countryCode: 'CN',
    },
    currency: 'USD',
  },
  {
    name: 'Zoë O’Sample 🌻',
    phone: '+44 20 7946 0000',
    address: {
      addressLine1: '“The Oaks” 🏡',
      addressLine2: 'c/o D’Arcy & Sons',
      city: 'London',
      postalCode: 'EC1A 1BB',
      countryCode: 'GB',
    },
    currency: 'GBP',
  },
  {
    name: 'Nicolò Esempio',
    phone: '+39 06 5550100',
    address: {
      addressLine1: 'Via dell’Esempio 3',
      city: 'Roma',
      stateOrProvince: 'RM',
      postalCode: '00118',
      countryCode: 'IT',
    },
    currency: 'EUR',
  },
  {
    name: 'Mª del Pilar Muestra Núñez',
    phone: '+34 91 555 0100',
    address: {
      addressLine1: 'Calle de la Muestra, 5, 2º B',
      city: 'Madrid',
      stateOrProvince: 'Madrid',
      postalCode: '28013',
      countryCode: 'ES',
    },
    currency: 'EUR',
  },
]

/** Where a parcel of eBay International Shipping goes first. */
export const HUB: MadeUpPerson = {
  name: 'Example Hub Reference 123',
  phone: '+1 859 555 0100',
  company: 'Example Shipping Center',
  address: {
    addressLine1: '1850 Sample Park Dr',
    addressLine2: 'Ste 101',
    city: 'Erlanger',
    stateOrProvince: 'KY',
    postalCode: '41025-2501',
    countryCode: 'US',
  },
  currency: 'USD',
}

export const TITLES: readonly [string, ...string[]] = [
  'Example widget, blue',
  'USB-C cable 1 m, black',
  '抹茶セット ギフト包装済み',
  '手工陶瓷茶杯 350ml',
  'T-Shirt “Größe L” – 100 % Baumwolle',
  '🎁 Surprise box 🎁 limited ✨',
  'Café crème, 2 × 250 g',
]

export const REMARKS: readonly [string, ...string[]] = [
  'Please leave at the side door.',
  '请在下午送货，谢谢！',
  '熨斗をお願いします 🙏',
  '*** fragile ***',
  'Ring "Müller" twice\nthen wait',
]
