import { expect } from 'chai'
import { readFields, textOf } from './fields.ts'

const fieldsOf = (text: string) => {
  const result = readFields(text)
  return result.kind === 'read' ? result.fields : result.reason
}

describe('the fields of a message', () => {
  it('are texts, trimmed, and keep their zeros', () => {
    expect(fieldsOf('<xml><A> <![CDATA[013800]]></A><B>00012</B><C/><D>a &amp; &lt;b&gt; &#24352;</D></xml>')).to.deep.equal({
      A: '013800',
      B: '00012',
      C: '',
      D: 'a & <b> 张',
    })
  })

  it('of JSON are the same, numbers as they were written', () => {
    expect(fieldsOf(' {"A":9007199254740993,"B":0.10,"C":null,"D":true,"E":{"Item":{"N":1}},"F":["x",2]}')).to.deep.equal({
      A: '9007199254740993',
      B: '0.10',
      C: '',
      D: 'true',
      E: { Item: [{ N: '1' }] },
      F: ['x', '2'],
    })
  })

  it('make a list of Item, one or many, and of whatever stands twice', () => {
    expect(fieldsOf('<x><E><Item><N>1</N></Item></E></x>')).to.deep.equal({ E: { Item: [{ N: '1' }] } })
    expect(fieldsOf('<x><A>1</A><A>2</A></x>')).to.deep.equal({ A: ['1', '2'] })
  })

  it('do not reach into the prototype of anything', () => {
    const fields = fieldsOf('<x><__proto__><SuiteId>a</SuiteId></__proto__><constructor>b</constructor></x>')
    if (typeof fields === 'string') throw new Error(fields)
    expect(textOf(fields, 'SuiteId')).to.equal(undefined)
    expect(textOf(fields, 'toString')).to.equal(undefined)
    expect(Object.prototype).not.to.have.property('SuiteId')
  })

  for (const [what, text] of [
    ['nothing', ''],
    ['an end tag of another', '<xml><S>a</xml>'],
    ['a DTD', '<!DOCTYPE xml><xml><A>1</A></xml>'],
    ['an external entity', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x><A>&e;</A></x>'],
    [
      'a billion laughs',
      `<!DOCTYPE x [<!ENTITY a "ha">${Array.from({ length: 20 }, (_, i) => `<!ENTITY a${i} "${`&a${i - 1};`.repeat(10)}">`).join('')}]><x>&a19;</x>`,
    ],
    ['an entity that nobody declared', '<x><A>&e;</A></x>'],
    ['text between elements', '<x>a<A>1</A></x>'],
    ['two roots', '<x><A/></x><x><A/></x>'],
    ['a root without elements', '<x>a</x>'],
    ['too deep a nest', `${'<a>'.repeat(40)}${'</a>'.repeat(40)}`],
    ['too many elements', `<x>${'<a/>'.repeat(30_000)}</x>`],
    ['a control character', '<x><A>\u0001</A></x>'],
  ] as const) {
    it(`are not read from ${what}`, () => expect(fieldsOf(text)).to.equal('bad_xml'))
  }

  for (const text of ['{', '{"a":1}x', `{"a":${'['.repeat(50)}${']'.repeat(50)}}`, `{"a":${'['.repeat(200_000)}`])
    it(`are not read from JSON like ${text.slice(0, 12)}`, () => expect(fieldsOf(text)).to.equal('bad_json'))

  it('are refused or read in bounded time, however large the text', () => {
    const began = performance.now()
    for (const text of [`<x><A>${' '.repeat(1_000_000)}</A></x>`, `<x>${'<a>'.repeat(300_000)}`, '<'.repeat(1_000_000)])
      readFields(text)
    expect(performance.now() - began).to.be.lessThan(5_000)
  })
})
