import { Ajv, type ErrorObject } from 'ajv'
import type { TSchema } from 'typebox'
import type { FilledDocument } from './document.ts'
import type { ConfigurationProblem } from './error.ts'

const ajv = new Ajv({ allErrors: true, verbose: true, strict: true })
ajv.addVocabulary(['expected', 'fix'])

/** What the schema has against the values, in an operator's words. */
export function checkDocument(document: FilledDocument, schema: TSchema): ConfigurationProblem[] {
  const validate = ajv.compile(schema)
  if (validate(document.value)) return []
  const reported = new Set(document.problems.map(place))
  const problems = new Map<string, ConfigurationProblem>()
  for (const error of validate.errors ?? []) {
    const problem = problemOf(error, document)
    // One place, one problem: the first thing said about it, also when the walk has said it already.
    if (!reported.has(place(problem)) && !problems.has(place(problem))) problems.set(place(problem), problem)
  }
  return [...problems.values()]
}

const place = ({ key, line }: ConfigurationProblem): string => `${key}:${line}`

function problemOf(error: ErrorObject, document: FilledDocument): ConfigurationProblem {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer)
  const missing: unknown = error.params['missingProperty']
  const whole = typeof missing === 'string' ? [...path, missing] : path
  const schema = (typeof missing === 'string' ? error.parentSchema?.['properties']?.[missing] : error.parentSchema) as {
    type?: string
    expected?: string
    fix?: string
  }
  const line = document.lineOf(whole) ?? document.lineOf(path)
  return {
    key: whole.join('.'),
    ...(line === undefined ? {} : { line }),
    expected: schema?.expected ?? kindWanted(schema?.type),
    found: typeof missing === 'string' ? 'nothing' : kindOf(error.data, error.keyword),
    fix: schema?.fix ?? 'docs/configuration.md shows an example.',
  }
}

const unescapePointer = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~')

function kindWanted(type: string | undefined): string {
  return type === 'object' ? 'a section with keys of its own' : type === 'array' ? 'a list' : `a value of type ${type}`
}

/** The kind of a value, without the value. */
function kindOf(value: unknown, keyword: string): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (value === '') return 'an empty text'
  const wrongForm = keyword !== 'type'
  const kinds: Record<string, string> = {
    string: wrongForm ? 'a text of another form' : 'a text',
    number: wrongForm ? 'a number out of range' : Number.isInteger(value) ? 'a number' : 'a number with a fraction',
    boolean: 'a yes or no',
    object: 'a section',
  }
  return kinds[typeof value] ?? 'something else'
}
