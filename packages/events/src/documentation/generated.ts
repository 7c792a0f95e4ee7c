import { readFile, writeFile } from 'node:fs/promises'

/** A file whose text follows from code; `name` is its path in the repository, for people. */
export type GeneratedFile = { name: string; url: URL; text: string }

/** Writes the files; with `--check` among `options` says of each that differs how to mend it, and makes the process fail. */
export async function writeOrCheck(files: readonly GeneratedFile[], options: readonly string[]): Promise<void> {
  for (const { name, url, text } of files) {
    if (!options.includes('--check')) {
      await writeFile(url, text)
    } else if ((await readFile(url, 'utf8').catch(() => '')) !== text) {
      process.stderr.write(`${name} is not what the schemas say. Write it anew with: npm run format\n`)
      process.exitCode = 1
    }
  }
}
