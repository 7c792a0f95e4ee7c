import { expect } from 'chai'
import fc from 'fast-check'
import { elementTexts, parseExactly, parseList } from './json-text.ts'

/** Two ways of writing the same JSON that a parser accepts and a stringifier never makes. */
function spaced(value: unknown): string {
  return JSON.stringify(value, null, ' \n\t').replaceAll('/', '\\/')
}

describe('Cutting the text of JSON', () => {
  it('gives back every element of a list exactly as it was written', () => {
    const elements = [
      '{ "a" : 1.0 }',
      '{"b":"\\u00e9\\/ \\" ]}"}',
      '12345678901234567890',
      '"x"',
      'null',
      '[[],{}]',
      '-1.50e+3',
    ]
    const text = `{"before":[1,{"orders":[]}],\n "orders" : [ ${elements.join(' ,\n')} ] ,"after":"]"}`
    expect(elementTexts(text, 'orders')).to.deep.equal(elements)
  })

  it('finds elements that parse to what the whole parses to, whatever the JSON', () => {
    const members = fc.dictionary(fc.string(), fc.jsonValue())
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), members, members, fc.boolean(), (orders, before, after, wide) => {
        const whole = { ...before, orders, ...after }
        const text = wide ? spaced(whole) : JSON.stringify(whole)
        const list = (JSON.parse(text) as { orders: unknown }).orders
        const elements = elementTexts(text, 'orders')
        for (const element of elements) expect(text).to.include(element)
        expect(elements.map((element) => JSON.parse(element) as unknown)).to.deep.equal(Array.isArray(list) ? list : [])
      }),
    )
  })

  it('takes the last of repeated members and sees through an escaped name, as JSON.parse does', () => {
    expect(elementTexts('{"orders":[1],"\\u006frders":[2]}', 'orders')).to.deep.equal(['2'])
  })

  it('finds nothing where there is no such list', () => {
    for (const text of ['[]', '"orders"', '{}', '{"orders":{}}', '{"orders":[ ]}', ' null '])
      expect(elementTexts(text, 'orders')).to.deep.equal([])
  })
})

describe('Parsing a list', () => {
  const parsed = (text: string, parse: (text: string) => unknown) => {
    try {
      return parse(text)
    } catch (error) {
      return (error as Error).name
    }
  }
  /** What the parts say together. */
  const together = (text: string) => {
    const { rest, elements } = parseList(Buffer.from(text), 'orders')
    const values = elements.map(({ value }) => value)
    for (const element of elements) expect(parseExactly(element.text)).to.deep.equal(element.value)
    return elements.length === 0 ? rest : { ...(rest as object), orders: values }
  }

  it('gives each element as it was written and as its value, and the rest without them', () => {
    const text = '{"total":2,"orders": [ {"a":1.0,"b":"ü"} ,{"id":12345678901234567890,"c":"山🌻"}],"next":"é"}'
    expect(parseList(Buffer.from(text), 'orders')).to.deep.equal({
      rest: { total: 2, orders: [], next: 'é' },
      elements: [
        { text: '{"a":1.0,"b":"ü"}', value: { a: 1, b: 'ü' } },
        { text: '{"id":12345678901234567890,"c":"山🌻"}', value: { id: 12345678901234567890n, c: '山🌻' } },
      ],
    })
    expect(parseList(Buffer.from('{"orders":{"a":[1]}}'), 'orders')).to.deep.equal({
      rest: { orders: { a: [1] } },
      elements: [],
    })
    expect(parseList(Buffer.from('[1]'), 'orders')).to.deep.equal({ rest: [1], elements: [] })
  })

  it('says what the whole says, and is no JSON where that is none, however it was cut or changed', () => {
    const strings = fc.string({ unit: fc.constantFrom('a', '"', '\\', '山', '🌻', '[', ']', '}', ',', ':') })
    const value = fc.jsonValue({ stringUnit: 'binary' })
    const whole = fc.record({ before: value, orders: fc.oneof(fc.array(value), fc.array(strings), value), after: strings })
    const change = fc.record({ at: fc.nat(), drop: fc.nat(3), put: fc.constantFrom('', '', ',', '[', ']', '}', '"', '{') })
    fc.assert(
      fc.property(whole, fc.boolean(), fc.option(change), (given, wide, changed) => {
        const text = (wide ? spaced(given) : JSON.stringify(given)).toWellFormed()
        const at = changed === null ? 0 : changed.at % text.length
        const changedText = changed === null ? text : text.slice(0, at) + changed.put + text.slice(at + changed.drop)
        const wellFormed = changedText.toWellFormed()
        expect(parsed(wellFormed, together)).to.deep.equal(parsed(wellFormed, parseExactly))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('Parsing JSON exactly', () => {
  it('keeps every digit of a whole number beyond 2^53', () => {
    expect(parseExactly('{"id":12345678901234567890,"small":9007199254740991}')).to.deep.equal({
      id: 12345678901234567890n,
      small: 9007199254740991,
    })
    const marked = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)
    for (const place of ['%', '[%]', '[1,%]', '[1 ,\n%]', '{"a":%}', '{"a" : %}', '[[%]]', '[-%]'])
      expect(JSON.stringify(parseExactly(place.replace('%', '12345678901234567891')), marked), place).to.contain(
        '12345678901234567891n',
      )
  })

  it('is JSON.parse for everything else', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const rounded = (_key: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)
        expect(JSON.stringify(parseExactly(text), rounded)).to.equal(JSON.stringify(JSON.parse(text)))
      }),
    )
    expect(parseExactly('[1.2345678901234567, 1e400, "12345678901234567890"]')).to.deep.equal([
      1.2345678901234567,
      Number.POSITIVE_INFINITY,
      '12345678901234567890',
    ])
  })
})
