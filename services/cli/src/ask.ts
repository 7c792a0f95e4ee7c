import { createInterface } from 'node:readline/promises'
import { Interrupted } from './failure.ts'

/** Asks a person whether something may be done; no where there is no terminal, and at its end (Ctrl-D). Throws Interrupted at Ctrl-C. */
export async function asks(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // A terminal that is read hands Ctrl-C to its reader, and its end to nobody: the question alone would wait for good.
  const ended = new Promise<string>((resolve, reject) => {
    terminal.once('SIGINT', () => reject(new Interrupted('SIGINT')))
    terminal.once('close', () => resolve(''))
  })
  try {
    return /^y(es)?$/i.test((await Promise.race([terminal.question(`${question} [y/N] `), ended])).trim())
  } finally {
    terminal.close()
  }
}
