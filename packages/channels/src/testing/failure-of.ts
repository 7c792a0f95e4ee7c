/** What a call threw; fails the test when it threw nothing. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call
  } catch (error) {
    return error
  }
  throw new Error('The call was expected to fail')
}
