import { open, readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { CommandError } from './failure.ts'

/**
 * A secret from a file, or from standard input for `-`. Never from the command line itself: arguments are readable by
 * every process of the machine and stay in the shell's history. Throws CommandError SECRET_UNREADABLE, SECRET_EMPTY.
 */
export async function readSecret(file: string): Promise<string> {
  const content = (file === '-' ? await text(process.stdin) : await readFile(file, 'utf8').catch(unreadable(file))).trim()
  if (content === '') throw new CommandError('SECRET_EMPTY', `${file === '-' ? 'Standard input' : file} holds no secret.`)
  return content
}

const unreadable = (file: string) => (error: Error) => {
  throw new CommandError('SECRET_UNREADABLE', `The file ${file} cannot be read (${error.message}). - is standard input.`)
}

/**
 * The secret of a file that only its owner may read: `made` when there is no such file yet, which is on the disk before this answers.
 * Whoever is interrupted later finds it there, and begins again with it. Throws errors of the file system, CommandError SECRET_EMPTY.
 */
export async function keptSecret(file: string, made: () => string): Promise<string> {
  const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined
    throw error
  })
  if (!handle) return await readSecret(file)
  try {
    const secret = made()
    await handle.writeFile(`${secret}\n`)
    await handle.sync()
    return secret
  } finally {
    await handle.close()
  }
}
