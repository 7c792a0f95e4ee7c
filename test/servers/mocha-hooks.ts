import { stopTestServer } from './test-database.ts'

export async function mochaGlobalTeardown(): Promise<void> {
  await stopTestServer()
}
