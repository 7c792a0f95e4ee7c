import { Ajv } from 'ajv'
import { expect } from 'chai'
import { CATALOGUE } from './catalogue.ts'
import { PersonalPartSchema } from './normal-order.ts'
import { UPCASTERS } from './upcasters.ts'

describe('the schemas of events', () => {
  it('are schemas, which nothing asks when a process starts', () => {
    const ajv = new Ajv({ strict: true })
    const older = Object.entries(UPCASTERS).flatMap(([type, steps]) =>
      Object.entries(steps).map(([version, { schema }]) => [`${type} ${version}`, schema] as const),
    )
    const newest = Object.entries(CATALOGUE).map(([type, { schema }]) => [type, schema] as const)
    for (const [name, schema] of [...newest, ...older, ['PersonalPart', PersonalPartSchema] as const])
      expect(() => ajv.compile(schema), name).not.to.throw()
  })
})
