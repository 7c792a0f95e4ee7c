import { readFile } from 'node:fs/promises'
import type { Environment } from './document.ts'
import type { ConfigurationProblem } from './error.ts'

/** Variables whose value may stand in a file instead, which the variable with `_FILE` behind its name names. */
const inFiles = ['TRIBUTARY_DATABASE_URL', 'TRIBUTARY_LOG_URL'] as const

/**
 * The environment with the addresses that stand in files, as container platforms hand secrets over. Space around a value
 * does not count.
 */
export async function withFiles(environment: Environment): Promise<{
  environment: Environment
  problems: ConfigurationProblem[]
}> {
  const filled: Record<string, string | undefined> = { ...environment }
  const problems: ConfigurationProblem[] = []
  for (const name of inFiles) {
    const key = `${name}_FILE`
    const file = environment[key]
    if (!file) continue
    const text = environment[name] ? undefined : await readFile(file, 'utf8').catch(() => '')
    if (text?.trim()) filled[name] = text.trim()
    else
      problems.push(
        problemOf(
          key,
          text === undefined ? `${name} beside it, and only one can be meant` : 'a file that cannot be read, or is empty',
        ),
      )
  }
  return { environment: filled, problems }
}

const problemOf = (key: string, found: string): ConfigurationProblem => ({
  key,
  expected: 'the path of a file that holds an address',
  found,
  fix: 'Write the address into a file that this user can read, and nothing else.',
})
