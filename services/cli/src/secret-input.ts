import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { CommandError } from './failure.ts'

/**
 * A secret from a file, or from standard input for `-`. Never from the command line itself: arguments are readable by
 * every process of the machine and stay in the shell's history.
 */
export async function readSecret(file: string): Promise<string> {
  const content = (file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')).trim()
  if (content === '') throw new CommandError('SECRET_EMPTY', `${file === '-' ? 'Standard input' : file} holds no secret.`)
  return content
}
