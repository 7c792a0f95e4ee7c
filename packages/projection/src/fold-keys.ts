import type { Cell, KeyState, OpenedEvent, Projection, Remark } from './definition.ts'
import { keyText } from './keys.ts'

/** The events of one key, in log order. */
export type KeyEvents = { readonly cells: readonly Cell[]; readonly events: OpenedEvent[] }

/** Sorts events by their key; those that change no row of the projection are left out. */
export function byKey(projection: Projection, events: readonly OpenedEvent[]): Map<string, KeyEvents> {
  const keys = new Map<string, KeyEvents>()
  for (const event of events) {
    const cells = projection.key(event)
    if (cells === undefined) continue
    const key = keyText(cells)
    const known = keys.get(key)
    if (known) known.events.push(event)
    else keys.set(key, { cells, events: [event] })
  }
  return keys
}

/** Folds the events of one key over its rows, adding to `remarks`. Throws what the fold throws. */
export function foldKey(projection: Projection, before: KeyState, events: readonly OpenedEvent[], remarks: Remark[]): KeyState {
  let state = before
  for (const event of events) {
    const folded = projection.fold(state, event)
    state = folded.state
    for (const remark of folded.remarks) remarks.push(remark)
  }
  return state
}
