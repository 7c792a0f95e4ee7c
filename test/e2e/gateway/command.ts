import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

const root = join(import.meta.dirname, '../../..')

export type Environment = Readonly<Record<string, string>>
export type CommandOutcome = { code: number | null; output: string; errors: string }

/** Starts the program as `npm run tributary -- …` does after its bootstrap, with nothing of ours left in the environment. */
export function startProgram(args: readonly string[], environment: Environment) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TRIBUTARY_'))
  return spawn(process.execPath, ['services/cli/src/main.ts', ...args], {
    cwd: root,
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

/** Runs one command to its end. */
export async function runCommand(
  args: readonly string[],
  options: { environment?: Environment; input?: string } = {},
): Promise<CommandOutcome> {
  const child = startProgram(args, options.environment ?? {})
  child.stdin.end(options.input ?? '')
  const [[code], output, errors] = await Promise.all([
    once(child, 'exit') as Promise<[number | null]>,
    text(child.stdout),
    text(child.stderr),
  ])
  return { code, output, errors }
}
