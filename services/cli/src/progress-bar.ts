/** What long work tells about itself. `total` is undefined as long as nobody knows. `parts` are done side by side. */
export type Progress = { done: number; total: number | undefined; note?: string; parts?: readonly Part[] }

export type Part = { name: string; done: number; total: number }

export type ProgressBar = {
  /** Shows how far the work is; call it as often as there is news. */
  update(progress: Progress): void
  /** Says something in between, on lines of its own. */
  say(text: string): void
  /** Shows the last state and ends the line. */
  end(): void
}

export type Output = { write(text: string): unknown; isTTY?: boolean; columns?: number; rows?: number }

const BAR = 24
/** A bar with fewer steps tells nothing. */
const LEAST_BAR = 4
const TERMINAL_EVERY = 100
const PIPE_EVERY = 1_000
/** The rate is that of the last so many milliseconds, so that what remains is told by how it goes now. */
const RATE_WINDOW = 10_000

/**
 * A bar with rate and remaining time on a terminal, and below it one for each part; in a pipe one JSON line a second. Goes to
 * stderr, so that stdout carries the result alone. `unit` is a plural, for example `events`.
 */
export function createProgressBar(options: { label: string; unit: string; output?: Output; now?: () => number }): ProgressBar {
  const { label, unit, output = process.stderr, now = () => performance.now() } = options
  const isTerminal = output.isTTY === true
  const samples: { time: number; done: number }[] = []
  let latest: Progress = { done: 0, total: undefined }
  let shownTime = Number.NEGATIVE_INFINITY
  /** Lines above the cursor that are written over next time. */
  let above = 0

  function show(time: number): void {
    shownTime = time
    const rate = rateOf(samples)
    const remaining = remainingSeconds(latest, rate)
    if (!isTerminal) {
      const { note, ...figures } = latest
      output.write(
        `${JSON.stringify({ label, ...figures, unit, rate: Math.round(rate), remainingSeconds: remaining, ...(note ? { note } : {}) })}\n`,
      )
      return
    }
    const columns = (output.columns || 120) - 1
    const pace = `${Math.round(rate).toLocaleString('en')}/s${remaining === null ? '' : `, ${duration(remaining)} left`}`
    const figures = `${counted(latest, unit)}, ${pace}${latest.note ? `, ${latest.note}` : ''}`
    const parts = partsThatFit(latest.parts ?? [], (output.rows ?? 24) - 2)
    const lines = [
      withBar(label, latest, { figures, least: pace }, columns),
      ...parts.map((part) => withBar(`  ${part.name}`, part, { figures: counted(part, unit), least: '' }, columns)),
    ]
    const shown = lines.map((text) => `\r\u001b[K${text.slice(0, columns)}`).join('\n')
    output.write(`${above > 0 ? `\u001b[${above}A` : ''}${shown}\u001b[J`)
    above = lines.length - 1
  }

  return {
    update(progress) {
      const time = now()
      latest = progress
      samples.push({ time, done: progress.done })
      while (samples.length > 2 && time - (samples[0]?.time ?? time) > RATE_WINDOW) samples.shift()
      if (time - shownTime >= (isTerminal ? TERMINAL_EVERY : PIPE_EVERY)) show(time)
    },
    say(text) {
      output.write(isTerminal ? `\n${text}\n` : `${text}\n`)
      above = 0
    },
    end() {
      // What failed before it began has nothing to show.
      if (samples.length === 0) return
      show(now())
      if (isTerminal) output.write('\n')
    },
  }
}

/** Seconds as `1 h 02 min`, `3 min 05 s` or `12 s`. */
export function duration(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const whole = Math.round(seconds)
  if (whole >= 3_600) return `${Math.floor(whole / 3_600)} h ${two(Math.floor((whole % 3_600) / 60))} min`
  return whole >= 60 ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s` : `${whole} s`
}

function rateOf(samples: readonly { time: number; done: number }[]): number {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last || last.time <= first.time) return 0
  return Math.max(0, ((last.done - first.done) * 1_000) / (last.time - first.time))
}

function remainingSeconds({ done, total }: Progress, rate: number): number | null {
  if (total === undefined || rate === 0) return null
  return Math.ceil(Math.max(0, total - done) / rate)
}

/** A line with a bar as long as the figures leave room for: on a narrow terminal they say more than it, and the least of them most. */
function withBar(
  label: string,
  { done, total }: Progress,
  { figures, least }: { figures: string; least: string },
  columns: number,
): string {
  if (total === undefined) return `${label} ${figures}`
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const percent = `${Math.floor(share * 100)} %`
  const steps = Math.min(BAR, columns - `${label} [] ${percent} ${figures}`.length)
  const bare = `${label} ${percent} ${figures}`
  if (steps < LEAST_BAR) return bare.length <= columns ? bare : `${label} ${percent} ${least}`
  const filled = Math.floor(share * steps)
  return `${label} [${'█'.repeat(filled)}${'·'.repeat(steps - filled)}] ${percent} ${figures}`
}

function counted({ done, total }: Progress, unit: string): string {
  return `${done.toLocaleString('en')}${total === undefined ? '' : ` of ${total.toLocaleString('en')}`} ${unit}`
}

/** All of them in their order, or those with the most to do when the terminal is not high enough. */
function partsThatFit(parts: readonly Part[], most: number): readonly Part[] {
  if (parts.length <= most) return parts
  const left = ({ done, total }: Part) => total - done
  const chosen = new Set([...parts].sort((one, other) => left(other) - left(one)).slice(0, Math.max(0, most)))
  return parts.filter((part) => chosen.has(part))
}
