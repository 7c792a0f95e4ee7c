/** One thing wrong with the configuration. `found` names a kind ("a number"), never a value, which may be secret. */
export type ConfigurationProblem = {
  /** The key's path with dots, or the name of an environment variable. */
  key: string
  /** In the file; absent for what is missing there and for environment variables. */
  line?: number
  expected: string
  found: string
  fix: string
}

/** Lists every problem at once, so that one edit mends them all. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly code = 'CONFIGURATION_INVALID'
  readonly retriable = false
  readonly problems: readonly ConfigurationProblem[]

  constructor(where: string, problems: readonly ConfigurationProblem[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
    super(`${where} has ${count}:\n${problems.map(sentence).join('\n')}`)
    this.problems = problems
  }
}

function sentence({ key, line, expected, found, fix }: ConfigurationProblem): string {
  return `  ${key}${line === undefined ? '' : ` (line ${line})`}: expected ${expected}, found ${found}. ${fix}`
}
