import { readFileSync } from 'node:fs'
import type { EventOf, PersonalPart } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { expect } from 'chai'
import { Check } from 'typebox/value'
import { isSpiEvent, SPI_EVENT_TYPES, type SpiEvent, SpiMessageSchema, spiBody } from './spi-message.ts'

const id = '01890000-0000-7000-8000-000000000001'
const personal: PersonalPart = {
  buyer: { id: 'some_buyer', name: 'Alma Example', email: 'relay1@members.example', remark: '请按两次门铃 🎁' },
  receiver: { name: 'Alma Example', addressLine1: 'Beispielweg 1', city: 'Hamburg', countryCode: 'DE', postalCode: '20095' },
  original: '{"secret":"never leaves"}',
}
const example = (type: (typeof SPI_EVENT_TYPES)[number]) => exampleEvent(type, id) as SpiEvent

describe('The body for SPI services', () => {
  for (const type of SPI_EVENT_TYPES) {
    it(`of ${type} keeps to the published schema`, () => {
      expect(Check(SpiMessageSchema, JSON.parse(spiBody(example(type), personal)))).to.equal(true)
      expect(Check(SpiMessageSchema, JSON.parse(spiBody(example(type), 'erased')))).to.equal(true)
    })

    it(`of ${type} is the one that docs/spi.md shows, byte for byte`, () => {
      const page = readFileSync(new URL('../../../docs/spi.md', import.meta.url), 'utf8')
      const shown = [...page.matchAll(/```json\n([\s\S]*?)\n```/g)].map(([, text]) => JSON.stringify(JSON.parse(text ?? '')))
      expect(shown).to.include(spiBody(example(type), personal))
    })
  }

  it('has the same bytes whatever the order of an event’s fields', () => {
    const event = example('OrderReceived') as EventOf<'OrderReceived'>
    const shuffled = {
      ...event,
      data: Object.fromEntries(Object.entries(event.data).reverse()) as EventOf<'OrderReceived'>['data'],
    }
    const reversed = Object.fromEntries(Object.entries(personal.buyer).reverse())
    expect(spiBody(shuffled, { ...personal, buyer: reversed })).to.equal(spiBody(event, personal))
  })

  it('says erased, and holds nothing personal, when the key of the person is gone', () => {
    const body = spiBody(example('OrderReceived'), 'erased')
    expect(JSON.parse(body)).to.include({ personalData: 'erased', buyer: null, receiver: null })
    expect(body).to.not.include('Alma')
  })

  it('never carries the original, the sealed part, its subject or the problems', () => {
    const body = spiBody(example('OrderReceived'), personal)
    for (const inside of ['never leaves', '"sealed"', '"subject"', '"problems"', '"digest"'])
      expect(body).to.not.include(inside)
  })

  it('is made for orders, shipments and erasures, not for sellers and hints', () => {
    expect(isSpiEvent(exampleEvent('OrderReceived', id))).to.equal(true)
    expect(isSpiEvent(exampleEvent('PersonalDataErased', id))).to.equal(true)
    expect(isSpiEvent(exampleEvent('OrderNotified', id))).to.equal(false)
    expect(isSpiEvent(exampleEvent('SellerAuthorized', id))).to.equal(false)
  })
})
