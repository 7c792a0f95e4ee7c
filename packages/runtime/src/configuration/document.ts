import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from 'yaml'
import type { ConfigurationProblem } from './error.ts'
import { nearest } from './nearest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The part of a JSON Schema that the walk looks at. */
export type SchemaPart = {
  type?: string
  properties?: Readonly<Record<string, SchemaPart>>
  patternProperties?: Readonly<Record<string, SchemaPart>>
  additionalProperties?: unknown
  items?: SchemaPart
}

/** The values of a file with `${NAME}` filled in, and where each stands. */
export type FilledDocument = {
  value: unknown
  problems: ConfigurationProblem[]
  lineOf(path: readonly string[]): number | undefined
}

type Walk = {
  document: Document
  environment: Environment
  problems: ConfigurationProblem[]
  lines: LineCounter
}

/** A password between `//` and `@` that stands in the file itself. */
const literalPassword = /:\/\/[^/\s:@]*:(?!\$\{)[^/\s@]+@/

/**
 * Reads YAML, fills `${NAME}` in every text from the environment and tells unknown keys apart from known ones, guided
 * by the schema. What the schema does not name and does not forbid is left out of the value.
 */
export function fillDocument(text: string, schema: SchemaPart, environment: Environment): FilledDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const problems = document.errors.map(
    (error): ConfigurationProblem => ({
      key: '(the file)',
      line: lines.linePos(error.pos[0]).line,
      expected: 'YAML',
      // The parser's own message quotes the line, which may hold a secret.
      found: `what YAML does not allow (${error.code})`,
      fix: 'Look at the indentation, the quotes and keys that stand twice.',
    }),
  )
  const walk: Walk = { document, environment, problems, lines }
  const value = problems.length > 0 ? {} : fillNode(walk, document.contents, schema, [])
  return {
    value,
    problems,
    lineOf: (path) => lineOf(walk, document.getIn(path.map(indexOrKey), true)),
  }
}

const indexOrKey = (part: string): string | number => (/^\d+$/.test(part) ? Number(part) : part)

function lineOf(walk: Walk, node: unknown): number | undefined {
  const start = (node as { range?: readonly number[] } | undefined)?.range?.[0]
  return start === undefined ? undefined : walk.lines.linePos(start).line
}

function fillNode(walk: Walk, given: unknown, schema: SchemaPart, path: readonly string[]): unknown {
  const node = isAlias(given) ? given.resolve(walk.document) : given
  if (isMap(node)) {
    const entries = node.items.flatMap((pair) => fillPair(walk, pair, schema, path))
    return Object.fromEntries(entries)
  }
  if (isSeq(node)) return node.items.map((item, index) => fillNode(walk, item, schema.items ?? {}, [...path, String(index)]))
  const value = isScalar(node) ? node.value : null
  // A section whose keys are all commented out.
  if (value === null && schema.type === 'object') return {}
  return typeof value === 'string' ? fillText(walk, value, schema, path, lineOf(walk, node)) : value
}

function fillPair(walk: Walk, pair: Pair, schema: SchemaPart, path: readonly string[]): [string, unknown][] {
  const name = String(isScalar(pair.key) ? pair.key.value : pair.key)
  const inner = schema.properties?.[name] ?? Object.values(schema.patternProperties ?? {})[0]
  if (inner) return [[name, fillNode(walk, pair.value, inner, [...path, name])]]
  const problem = unknownKey(name, schema, path)
  const line = lineOf(walk, pair.key)
  if (problem) walk.problems.push({ ...problem, ...(line === undefined ? {} : { line }) })
  return []
}

function unknownKey(name: string, schema: SchemaPart, path: readonly string[]): ConfigurationProblem | undefined {
  const known = Object.keys(schema.properties ?? {})
  const here = [...path, name].join('.')
  const dotted = known.find((key) => name.startsWith(`${key}.`))
  if (dotted) {
    return {
      key: here,
      expected: 'one key a level',
      found: 'a key with dots',
      fix: `Write ${dotted}: and the rest indented below it.`,
    }
  }
  const meant = nearest(name, known)
  if (schema.additionalProperties !== false && !meant) return undefined
  const fix = meant ? `Did you mean ${[...path, meant].join('.')}?` : `Known here: ${known.join(', ')}.`
  return { key: here, expected: 'a known key', found: 'an unknown one', fix }
}

function fillText(walk: Walk, text: string, schema: SchemaPart, path: readonly string[], line: number | undefined): unknown {
  const report = (expected: string, found: string, fix: string) =>
    walk.problems.push({ key: path.join('.'), ...(line === undefined ? {} : { line }), expected, found, fix })
  if (literalPassword.test(text)) {
    report('a password from the environment', 'one in the file', `Write it as \${NAME} and set that variable.`)
  }
  const filled = text.replaceAll(/\$\{([^}]*)\}/g, (whole, name: string) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      report(
        `\${NAME} with the name of an environment variable`,
        'something else between the braces',
        'Write only a name, without a default.',
      )
      return whole
    }
    const value = walk.environment[name]
    if (value === undefined) report(`the environment variable ${name}`, 'nothing', `Set ${name}, or write the value here.`)
    return value ?? whole
  })
  const isNumber = (schema.type === 'integer' || schema.type === 'number') && filled !== text && filled.trim() !== ''
  return isNumber && Number.isFinite(Number(filled)) ? Number(filled) : filled
}
