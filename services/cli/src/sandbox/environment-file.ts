import { rm, writeFile } from 'node:fs/promises'

/**
 * Writes what a shell needs so that every command works on the sandbox: `. <file>`, then `npm run tributary -- …`. It
 * holds secrets, so only its user may read it.
 */
export async function writeEnvironmentFile(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const lines = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [`export ${name}=${quoted(value)}\n`],
  )
  // One that is there would keep the mode that it has.
  await rm(file, { force: true })
  await writeFile(file, lines.join(''), { mode: 0o600 })
}

/** As one word of a shell, whatever it holds. */
const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`
