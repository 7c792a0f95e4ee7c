import { setTimeout as wait } from 'node:timers/promises'
import { ADDRESS_REFUSED, type Outcome } from '../../outcome.ts'
import { dawdle, type Part, type Process, placeOf, step, type World } from './world.ts'

/** The receiver and the way to it: a request may be late, get lost, or be taken while its answer gets lost. */
export async function receive(world: World, process: Process, id: string, signal: AbortSignal): Promise<Outcome> {
  const { random, trouble, history } = world
  const { part, position } = placeOf(world, id)
  const { taken } = part
  history.sends += 1
  step(world, process)
  noteRepetition(world, process, part, { id, position })
  await dawdle(world)
  if (random.chance(trouble / 4)) await wait(random.from(0, 5))
  if (process.isDead) return nothingUntil(signal)
  if (random.chance(trouble / 10))
    return { kind: 'address-refused', reason: ADDRESS_REFUSED, status: 0, answer: '', durationMs: 0 }
  const isLost = random.chance(trouble)
  const isAnswered = !isLost && !random.chance(trouble / 4)
  if (!isLost) {
    if (taken.includes(position)) history.duplicates += 1
    else taken.push(position)
  }
  await dawdle(world)
  signal.throwIfAborted()
  const came = { status: isAnswered ? 200 : 0, answer: '', durationMs: 0 }
  if (isAnswered) process.told.add(id)
  return isAnswered ? { kind: 'delivered', reason: '', ...came } : { kind: 'failed', reason: 'lost', ...came }
}

/** The owner must not send what is written down as delivered, or what it was told is. A zombie may: it does not know. */
function noteRepetition(
  { history }: World,
  process: Process,
  { database, number }: Part,
  { id, position }: { id: string; position: number },
): void {
  const { state } = database
  if (process.epochs[number] !== state.epoch || process.isDead) return
  const isWritten = state.attempts.some((attempt) => attempt.position === position && attempt.outcome.kind === 'delivered')
  if (isWritten || process.told.has(id)) history.repeated += 1
}

/** A dead process sends nothing more, and its promises end with it. */
export function nothingUntil(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
