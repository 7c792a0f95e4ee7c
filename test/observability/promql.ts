import { parser } from '@prometheus-io/lezer-promql'

/** What an expression asks of the metrics: a name, and the labels by which it selects or groups. */
export type MetricUse = { metric: string; labels: string[] }

/**
 * The metrics that a PromQL expression names, read by Prometheus's own grammar. Variables of Grafana are filled in first.
 * Throws when the expression is no PromQL.
 */
export function metricsUsed(expression: string): MetricUse[] {
  const text = expression.replaceAll(/\$__rate_interval|\$__interval/g, '5m').replaceAll(/\$\w+/g, 'x')
  const uses: MetricUse[] = []
  const grouping = new Set<string>()
  let current: MetricUse | undefined
  parser.parse(text).iterate({
    enter(node) {
      const said = text.slice(node.from, node.to)
      if (node.type.isError) throw new Error(`No PromQL at '${text.slice(node.from, node.from + 20)}' in: ${expression}`)
      if (node.name === 'VectorSelector') {
        current = { metric: '', labels: [] }
        uses.push(current)
      }
      if (node.name === 'Identifier' && current) current.metric ||= said
      if (node.name === 'LabelName' && node.matchContext(['GroupingLabels'])) grouping.add(said)
      else if (node.name === 'LabelName') current?.labels.push(said)
    },
    leave(node) {
      if (node.name === 'VectorSelector') current = undefined
    },
  })
  // A grouping is over everything below it; that a binary operation has several sides does no harm to a check of names.
  return uses.map(({ metric, labels }) => ({ metric, labels: [...labels, ...grouping] }))
}
