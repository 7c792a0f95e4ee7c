/** What a scrape shows: every series' name with its label names, and the names that are declared though nothing counted yet. */
export type Exposition = { names: ReadonlySet<string>; labels: ReadonlyMap<string, ReadonlySet<string>>; text: string }

/** Reads Prometheus's text format 0.0.4. A histogram is known by the names of its series. */
export function readExposition(text: string): Exposition {
  const names = new Set<string>()
  const labels = new Map<string, Set<string>>()
  for (const [, declared = '', type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm))
    for (const suffix of type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) names.add(declared + suffix)
  for (const [, name = '', inside = ''] of text.matchAll(/^([a-z_]\w*)(?:\{(.*)\})? \S+$/gim)) {
    const known = labels.get(name) ?? new Set()
    labels.set(name, known)
    for (const [, label = ''] of inside.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) known.add(label)
  }
  return { names, labels, text }
}
