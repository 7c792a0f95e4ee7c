/** Stable words that callers may match on, for example `BODY_TOO_LARGE`. */
export type ProblemCode = string

/**
 * An answer that is not a success, as RFC 9457 problem details. Thrown inside a request handler; the server writes it.
 * `detail` is read by the sender: it says what was wrong and what to do, and holds nothing secret.
 */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: ProblemCode
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: ProblemCode,
    detail: string,
    options: { headers?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    super(detail, options)
    this.status = status
    this.code = code
    this.headers = options.headers ?? {}
  }
}
