import { describeAppending } from './event-log/appending.ts'
import { describeConcurrency } from './event-log/concurrency.ts'
import { describeFollowing } from './event-log/following.ts'
import { describeGroups } from './event-log/groups.ts'
import type { MakeLog } from './event-log/log-under-test.ts'
import { describeReading } from './event-log/reading.ts'

/** What every driver of the log promises, whatever server stands behind it. */
export function describeEventLog(driver: string, makeLog: MakeLog): void {
  describe(`The ${driver} log`, () => {
    let passed = 0
    afterEach(function () {
      if (this.currentTest?.state === 'passed') passed += 1
    })
    after(() => process.stdout.write(`    the contract of the log on ${driver}: ${passed} tests passed\n`))
    describeAppending(makeLog)
    describeReading(makeLog)
    describeConcurrency(makeLog)
    describeFollowing(makeLog)
    describeGroups(makeLog)
  })
}
