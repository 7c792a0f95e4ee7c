/** The `code` of whatever was thrown: of our coded errors, and of those of Node and of drivers. Undefined when it is no text. */
export function codeOf(error: unknown): string | undefined {
  return isObject(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Whether it is a coded error of ours which says that waiting may help. */
export const isRetriable = (error: unknown): boolean => isObject(error) && 'retriable' in error && error.retriable === true

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** What went wrong, as an operator reads it. Our coded errors hold no personal data; of others only the name is told. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code = codeOf(error)
  return code !== undefined && 'retriable' in error ? `${code}: ${error.message}` : error.name
}
