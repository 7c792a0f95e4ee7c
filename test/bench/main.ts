import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { Benchmark, Row } from './benchmark.ts'
import { stopBenchServer } from './server.ts'

/** A new bench adds its file and one line here. */
const BENCHES: Readonly<Record<string, () => Promise<{ benchmark: Benchmark }>>> = {
  log: () => import('./log.ts'),
  kafka: () => import('./kafka.ts'),
  ingest: () => import('./ingest.ts'),
  telemetry: () => import('./telemetry.ts'),
  project: () => import('./project.ts'),
  'rebuild-orders': () => import('./rebuild-orders.ts'),
  'rebuild-linear': () => import('./rebuild-linear.ts'),
  'row-why': () => import('./row-why.ts'),
  delivery: () => import('./delivery.ts'),
  wecom: () => import('./wecom.ts'),
  channels: () => import('./channels.ts'),
}

/** Benches that together answer one question have a name in common. */
const SETS: Readonly<Record<string, readonly string[]>> = { rebuild: ['rebuild-orders', 'rebuild-linear', 'row-why'] }

/** Takes many minutes, so it runs only where it or its set is named. */
const LONG: ReadonlySet<string> = new Set(['rebuild-linear'])

const HELP = `usage: npm run bench -- [name ...] [--json]

Measures rates against what the machine can do at most, in the same run and in turns.
Names: ${Object.keys(BENCHES).join(', ')}; all but ${[...LONG].join(', ')} when none is given.
${Object.entries(SETS)
  .map(([name, of]) => `'${name}' stands for ${of.join(', ')}: about twelve minutes.`)
  .join('\n')}

  --json   one JSON document instead of a table
  --help   this text

A ceiling is the same work done with nothing of ours around it: a raw INSERT, a raw SELECT, a bare server; where a row names
a goal, that. A ratio of 1 reaches it. MariaDB is started for the bench and flushes at each commit.
`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  })
  if (values.help) return write(process.stdout, HELP, 0)
  const named = positionals.flatMap((name) => SETS[name] ?? [name])
  const unknown = named.filter((name) => !(name in BENCHES))
  if (unknown.length > 0) return write(process.stderr, `There is no bench named ${unknown.join(', ')}.\n\n${HELP}`, 64)
  const rows: Row[] = []
  try {
    for (const name of named.length > 0 ? named : Object.keys(BENCHES).filter((one) => !LONG.has(one))) {
      write(process.stderr, `Measuring ${name} ...\n`, 0)
      const found = await BENCHES[name]?.()
      if (found) rows.push(...(await found.benchmark.run()))
    }
  } finally {
    await stopBenchServer()
  }
  const machine = `${availableParallelism()} cores, ${cpus()[0]?.model.trim() ?? 'unknown processor'}, Node ${process.version}`
  const text = values.json ? JSON.stringify({ machine, rows: rows.map(rounded) }) : `${table(rows)}\n${machine}`
  return write(process.stdout, `${text}\n`, 0)
}

function table(rows: readonly Row[]): string {
  const cells = rows
    .map(rounded)
    .map(({ name, value, unit, ceiling, ratio }) => [
      name,
      `${value.toLocaleString('en')} ${unit}`,
      `${ceiling.toLocaleString('en')} ${unit}`,
      ratio.toFixed(2),
    ])
  const lines = [['', 'measured', 'ceiling', 'ratio'], ...cells]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('   '),
    )
    .join('\n')
}

function rounded({ name, value, unit, ceiling, ratio }: Row): Row {
  const round = (figure: number) => (figure >= 100 ? Math.round(figure) : Number(figure.toPrecision(3)))
  return { name, value: round(value), unit, ceiling: round(ceiling), ratio: round(ratio) }
}

function write(stream: NodeJS.WriteStream, text: string, code: number): number {
  stream.write(text)
  return code
}

process.exitCode = await main()
