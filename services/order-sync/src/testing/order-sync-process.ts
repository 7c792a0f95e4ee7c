import { startProcess } from './order-sync-under-test.ts'

// One process of order-sync, for tests that kill it. What it needs comes as JSON in its first argument.
const { surroundings, options } = JSON.parse(process.argv[2] ?? '{}')
await startProcess(surroundings, options)
process.stdout.write('ready\n')
