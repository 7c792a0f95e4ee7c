import type { Random } from '../random.ts'
import type { Break, ChooseBreak } from '../servers/index.ts'

/** How far into a protocol packet the command stands, and which commands carry a statement: https://mariadb.com/kb/en/0-packet/ */
const SEQUENCE = 3
const COMMAND = 4
const QUERY = 0x03
const EXECUTE = 0x17

/** What is broken, and the statements that were. */
export type RandomBreaks = { choose: ChooseBreak; broken(): string[] }

/**
 * Breaks connections at random moments, `mean` milliseconds apart. A statement of which many were broken becomes less likely to be
 * chosen: one that comes once a minute matters as much as one that comes a hundred times a second. COMMITs are told apart by the
 * first statement of their transactions, and reading is chosen less than writing.
 */
export function randomBreaks(random: Random, mean: number): RandomBreaks {
  const times = new Map<string, number>()
  const begun = new WeakMap<object, string>()
  const broken: string[] = []
  let next = 0

  function shapeOf(chunk: Buffer, connection: object): string | undefined {
    // Of a statement that is cut in two the server would wait for the rest, with all its locks.
    if (chunk[SEQUENCE] !== 0 || chunk.readUIntLE(0, SEQUENCE) + COMMAND !== chunk.length) return undefined
    if (chunk[COMMAND] === EXECUTE) return 'a prepared statement'
    if (chunk[COMMAND] !== QUERY) return undefined
    const text = chunk
      .toString('utf8', COMMAND + 1, 100)
      .replaceAll(/\s+/g, ' ')
      .slice(0, 48)
    if (text.startsWith('START TRANSACTION')) begun.delete(connection)
    else if (text === 'COMMIT') return `COMMIT of ${begun.get(connection) ?? 'nothing'}`
    else if (!begun.has(connection) && !text.startsWith('SET')) begun.set(connection, text)
    return text
  }

  return {
    broken: () => broken,
    choose(chunk, connection) {
      const shape = shapeOf(chunk, connection)
      if (shape === undefined || performance.now() < next) return undefined
      const known = times.get(shape) ?? 0
      if (!random.chance((/^(SELECT|START|SET)/.test(shape) ? 0.25 : 1) / (1 + known))) return undefined
      times.set(shape, known + 1)
      next = performance.now() + random.below(2 * mean)
      const chosen = anyBreak(random)
      broken.push(`${chosen.kind}: ${shape}`)
      return chosen
    },
  }
}

const anyBreak = (random: Random): Break => {
  const kind = random.pick<Break['kind']>(['answer', 'answer', 'answer', 'half', 'before', 'late'])
  return kind === 'late' ? { kind, milliseconds: random.below(500) } : { kind }
}
