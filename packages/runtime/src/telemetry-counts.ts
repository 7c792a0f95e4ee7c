import { counter } from './metrics/instruments.ts'

const spans = counter({
  name: 'tributary_telemetry_spans_total',
  help: 'Spans of kept traces that the collector took (sent) or did not (lost).',
  labels: ['outcome'],
})

export const spansSent = (count: number): void => spans.add(count, { outcome: 'sent' })
export const spansLost = (count: number): void => spans.add(count, { outcome: 'lost' })
