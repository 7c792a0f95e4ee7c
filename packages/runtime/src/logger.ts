import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isSpanContextValid, trace } from '@opentelemetry/api'
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import { codeOf } from './coded.ts'
import type { LogFormat, LogLevel } from './configuration.ts'
import { redacted, redactedText } from './redaction.ts'

export type Logger = PinoLogger

/** Milliseconds that a slow reader of our lines is given before it is offered more. */
const READER_PAUSE = 10

/**
 * A logger that writes one line an event to standard output (or `destination`): JSON, or for people when the format is
 * `pretty`. What an output does not take, because its disk is full or nobody reads it, is lost, and nothing ends. Secrets and
 * personal data are hidden by field name at any depth and by their form in free text. Lines written inside a span carry
 * `trace_id` and `span_id`.
 */
export function createLogger(options: { level: LogLevel; format: LogFormat; destination?: DestinationStream }): Logger {
  const destination = options.destination ?? standardOutput()
  const forReading = options.format === 'pretty' ? prettyLine() : (line: string) => line
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redacted(fields) as Record<string, unknown>,
        bindings: (fields) => redacted(fields) as Record<string, unknown>,
      },
      // The errors have been reduced by then; pino's own serializer would not know them any more.
      serializers: { err: (error: unknown) => redacted(error) },
      mixin: traceIds,
      hooks: { streamWrite: (line) => forReading(redactedText(line)) },
    },
    destination,
  )
}

/** Standard output, a line at once. pino's own would throw the failure at whoever says something, and end the process. */
function standardOutput(): DestinationStream {
  return {
    write(line) {
      for (let rest = Buffer.from(line); rest.length > 0; ) {
        try {
          rest = rest.subarray(writeSync(1, rest))
        } catch (error) {
          if (codeOf(error) !== 'EAGAIN') return
          // A pipe that is full, and set to tell so: its reader is only slow.
          Atomics.wait(asleep, 0, 0, READER_PAUSE)
        }
      }
    },
  }
}

const asleep = new Int32Array(new SharedArrayBuffer(4))

function traceIds(): Record<string, string> {
  const context = trace.getActiveSpan()?.spanContext()
  return context && isSpanContextValid(context) ? { trace_id: context.traceId, span_id: context.spanId } : {}
}

/** Loaded only where somebody reads along: it would be an eighth of what this package takes to load. */
function prettyLine(): (line: string) => string {
  const { prettyFactory }: typeof import('pino-pretty') = createRequire(import.meta.url)('pino-pretty')
  const colorize = process.stdout.isTTY === true
  return prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss.l', ignore: 'trace_id,span_id' })
}
