import { expect } from 'chai'
import { chosenInstance } from './instances.ts'

describe('The choice of an instance', () => {
  it('gives each the share that its weight says', () => {
    const instances = [1, 3, 0.5].map((weight, index) => ({ url: `http://${index}`, weight }))
    const chosen = Array.from({ length: 900 }, (_, step) => chosenInstance(instances, () => step / 900))
    const counts = instances.map((instance) => chosen.filter((one) => one === instance).length)
    expect(counts).to.deep.equal([200, 600, 100])
  })

  it('has an answer at the very end of the range', () => {
    expect(chosenInstance([{ url: 'http://0', weight: 0.1 }], () => 1 - Number.EPSILON / 2).url).to.equal('http://0')
  })
})
