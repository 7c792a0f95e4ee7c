import { reportFailure } from './failure.ts'
import { buildProgram } from './program.ts'
import { goesOnUnheard, UNHEARD } from './unheard.ts'

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  if (!goesOnUnheard()) process.exit(UNHEARD)
})
// What is told beside the result, progress and what went wrong, then goes nowhere; the work and its exit code count.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

try {
  await buildProgram().parseAsync(process.argv)
} catch (error) {
  process.exitCode = reportFailure(error)
}
