import { constants } from 'node:os'
import { codeOf } from '@tributary/runtime'
import { CommanderError } from 'commander'

/** Exit codes of sysexits.h, so that scripts can tell a wrong call from a failed one. */
const WRONG_USAGE = 64
const FAILED = 1

/** Something the caller asked for cannot be done as asked; the message says what to do instead. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Ctrl-C or SIGTERM ended the command before its work was done. */
export class Interrupted extends CommandError {
  readonly exitCode: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super('INTERRUPTED', 'Interrupted before everything was done. What was done stays; call it again for the rest.')
    this.exitCode = 128 + constants.signals[signal]
  }
}

/** A call that says too little, or what cannot be meant: as wrong as one with an option that does not exist. */
export class UsageError extends CommandError {}

/**
 * Tells a person on stderr what went wrong and answers the exit code. Only coded errors are expected; for others
 * `TRIBUTARY_DEBUG=1` adds the stack.
 */
export function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE
  const message = error instanceof Error ? error.message : String(error)
  const code = codeOf(error)
  process.stderr.write(`tributary: ${message}${code ? ` [${code}]` : ''}\n`)
  if (process.env['TRIBUTARY_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  if (error instanceof Interrupted) return error.exitCode
  return error instanceof UsageError ? WRONG_USAGE : FAILED
}
