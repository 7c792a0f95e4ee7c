import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { parse } from 'yaml'
import { describeUnless, findExecutable } from '../servers/index.ts'
import { metricsUsed } from './promql.ts'

const FOLDER = join(import.meta.dirname, '../../docker/prometheus')
const yaml = async <T>(file: string): Promise<T> => parse(await readFile(join(FOLDER, file), 'utf8')) as T

type Rules = { groups: { rules: { alert: string; expr: string }[] }[] }
type Cases = {
  tests: { input_series: { series: string }[]; alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
}

describe('the cases of the alert rules', () => {
  it('show each alert firing, and quiet though its metrics are there', async () => {
    const rules = (await yaml<Rules>('alerts.yaml')).groups.flatMap(({ rules }) => rules)
    const { tests } = await yaml<Cases>('alerts.test.yaml')
    const cases = tests.flatMap(({ input_series, alert_rule_test }) =>
      alert_rule_test.map(({ alertname, exp_alerts }) => ({
        alertname,
        fires: exp_alerts.length > 0,
        metrics: input_series.map(({ series }) => series.split('{')[0]),
      })),
    )
    for (const { alert, expr } of rules) {
      const needed = metricsUsed(expr).map(({ metric }) => metric)
      for (const fires of [true, false])
        expect(
          cases.some(
            (one) => one.alertname === alert && one.fires === fires && needed.every((name) => one.metrics.includes(name)),
          ),
          `${alert} has a case in which it ${fires ? 'fires' : 'is quiet'}`,
        ).to.equal(true)
    }
  })
})

/** What keeps promtool from running here, with the fix. In CI it always runs. */
const missing = findExecutable('promtool') || process.env['CI'] ? undefined : 'pending, needs: sudo apt-get install prometheus'

describeUnless(missing, "Prometheus's own promtool", () => {
  const run = promisify(execFile)
  const promtool = async (...words: string[]): Promise<string> => {
    const { stdout } = await run(findExecutable('promtool') ?? 'promtool', words, { cwd: FOLDER }).catch(
      (error: Error & { stdout?: string; stderr?: string }) => {
        throw new Error(`promtool ${words.join(' ')} failed:\n${error.stdout ?? ''}${error.stderr ?? error.message}`)
      },
    )
    return stdout
  }

  it('finds nothing wrong with the configuration and the rules', async () => {
    expect(await promtool('check', 'config', 'prometheus.yaml')).to.match(/alerts\.yaml/)
    expect(await promtool('check', 'rules', 'alerts.yaml')).to.match(/SUCCESS: \d+ rules found/)
  })

  it('sees every alert fire and stay quiet as its cases say', async () => {
    expect(await promtool('test', 'rules', 'alerts.test.yaml')).to.include('SUCCESS')
  })
})
