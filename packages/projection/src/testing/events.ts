import {
  derivedEventId,
  type EventData,
  type EventOf,
  type EventType,
  type NormalOrder,
  type PersonalPart,
} from '@tributary/events'
import { EXAMPLE_DATA, exampleEvent } from '@tributary/events/examples'
import type { OpenedEvent } from '../definition.ts'

let made = 0

/** Any event of the catalogue: the example of its type with what a test changes, under an id of its own. */
export const anEvent = <T extends EventType>(type: T, data: Partial<EventData<T>> = {}, time?: number): EventOf<T> =>
  exampleEvent(type, derivedEventId('test', ++made), time === undefined ? { data } : { time, data })

/** What a marketplace that withholds nothing says about people. */
export const aPersonalPart = (
  changes: { buyer?: PersonalPart['buyer']; receiver?: PersonalPart['receiver']; original?: string } = {},
): PersonalPart => ({
  buyer: changes.buyer ?? {
    id: 'some_buyer',
    name: 'Alma Example',
    phone: '+49 40 0000001',
    email: 'relay1@members.example',
    taxId: 'DE000000001',
    taxType: 'VATIN',
    companyName: 'Example Joinery',
    remark: 'Please ring twice.',
  },
  receiver: changes.receiver ?? {
    name: 'Alma Example',
    addressLine1: 'Beispielweg 1',
    addressLine2: 'Hinterhaus',
    addressDetail: 'Beispielweg 1, Hinterhaus, 20095 Hamburg',
    city: 'Hamburg',
    countryCode: 'DE',
    province: 'HH',
    postalCode: '20095',
  },
  original: changes.original ?? '{"orderId":"12-34567-89012"}',
})

export type OrderReceivedChanges = {
  /** Event time, milliseconds since 1970. */
  time?: number
  data?: Partial<EventData<'OrderReceived'>>
  /** Parts of the normal order. Lines that have no row id in the example need `data.rowIds` as well. */
  order?: Partial<NormalOrder>
  personal?: PersonalPart | 'erased'
}

/** An OrderReceived as a fold gets it, opened. */
export const anOrderReceived = ({
  time,
  data,
  order,
  personal,
}: OrderReceivedChanges = {}): OpenedEvent & EventOf<'OrderReceived'> => ({
  ...anEvent('OrderReceived', { ...data, order: { ...EXAMPLE_DATA.OrderReceived.order, ...order } }, time),
  personal: personal ?? aPersonalPart(),
})

export const aPersonalDataErased = (data: Partial<EventData<'PersonalDataErased'>> = {}, time?: number) =>
  anEvent('PersonalDataErased', data, time)

export const aSellerAuthorized = (data: Partial<EventData<'SellerAuthorized'>> = {}, time?: number) =>
  anEvent('SellerAuthorized', data, time)
