import { reportFailure } from './failure.ts'
import { buildProgram } from './program.ts'

// Whoever reads what we say may have heard enough, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

try {
  await buildProgram().parseAsync(process.argv)
} catch (error) {
  process.exitCode = reportFailure(error)
}
