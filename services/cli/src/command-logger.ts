import { type Configuration, createLogger, type Logger } from '@tributary/runtime'

/**
 * What a command lets services say: warnings and worse, on standard error, because standard output carries its result alone
 * and may be read by a program.
 */
export function commandLogger({ logging }: Pick<Configuration, 'logging'>): Logger {
  return createLogger({ ...logging, level: 'warn', destination: { write: (line) => void process.stderr.write(line) } })
}
