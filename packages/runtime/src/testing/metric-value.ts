import { metricsText } from '../metrics/observe.ts'

/**
 * The value of a series as a scrape would tell it now; 0 when there is none yet. Metrics are those of the whole process:
 * compare before and after. Of a histogram ask for `name_count` or `name_sum`.
 */
export async function metricValue(name: string, labels: Readonly<Record<string, string | number>> = {}): Promise<number> {
  for (const line of (await metricsText()).split('\n')) {
    const [series = '', value] = splitLine(line)
    if (series !== name && !series.startsWith(`${name}{`)) continue
    if (Object.entries(labels).every(([label, wanted]) => series.includes(`${label}="${wanted}"`))) return Number(value)
  }
  return 0
}

function splitLine(line: string): [string, string] {
  const at = line.lastIndexOf(' ')
  return [line.slice(0, at), line.slice(at + 1)]
}
