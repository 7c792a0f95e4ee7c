/** One series of a scrape. */
export type Series = { name: string; labels: Readonly<Record<string, string>>; value: number }

/** What a scrape shows: every series with its labels, and the names that are declared though nothing counted yet. */
export type Exposition = {
  names: ReadonlySet<string>
  labels: ReadonlyMap<string, ReadonlySet<string>>
  series: readonly Series[]
  text: string
}

/** Reads Prometheus's text format 0.0.4. A histogram is known by the names of its series. */
export function readExposition(text: string): Exposition {
  const names = new Set<string>()
  for (const [, declared = '', type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm))
    for (const suffix of type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) names.add(declared + suffix)
  const found = [...text.matchAll(/^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/gim)]
  const series = found.map(([, name = '', inside = '', value]) => {
    const pairs = [...inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', text = '']) => [label, text])
    return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }
  })
  const byName = Map.groupBy(series, ({ name }) => name)
  const labels = new Map([...byName].map(([name, all]) => [name, new Set(all.flatMap((one) => Object.keys(one.labels)))]))
  return { names, labels, series, text }
}
