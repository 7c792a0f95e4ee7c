import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../../../..')
const FIXTURES = join(ROOT, 'test/fixtures/amazon')
const SHARED = join(ROOT, '../shared/fixtures/amazon')

/** The text of one of the project's fixtures. */
export const fixtureText = (name: string): string => readFileSync(join(FIXTURES, name), 'utf8')

/** The texts of all samples that lie beside the project, by name; none where there is no such folder. */
export const sharedTexts = (): ReadonlyMap<string, string> =>
  existsSync(SHARED)
    ? new Map(
        readdirSync(SHARED)
          .filter((name) => name.endsWith('.json'))
          .map((name) => [name, readFileSync(join(SHARED, name), 'utf8')]),
      )
    : new Map()
