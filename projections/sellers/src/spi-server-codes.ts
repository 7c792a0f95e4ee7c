import { storableText } from '@tributary/projection/folding'

/**
 * The codes of SPI services as one text, separated by commas, of at most `limit` characters. A code that would not fit
 * is left out whole, since half a code is another service's; so is one with a comma in it. Doubles count once.
 */
export const joinCodes = (codes: readonly string[], limit: number): { text: string; leftOut: number } => {
  let text = ''
  let length = 0
  let leftOut = 0
  for (const code of new Set(codes.map(storableText))) {
    const separator = text === '' ? '' : ','
    const longer = length + separator.length + [...code].length
    if (code.includes(',') || longer > limit) {
      leftOut += 1
      continue
    }
    text += separator + code
    length = longer
  }
  return { text, leftOut }
}
