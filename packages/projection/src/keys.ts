import type { Cell } from './definition.ts'

/** The key of a fold as one text: equal for equal cells, whether they come from an event or from a row. */
export const keyText = (cells: readonly Cell[]): string =>
  cells.map((cell) => encodeURIComponent(String(cell).toWellFormed())).join(':')
