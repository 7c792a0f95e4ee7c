/** A suite that needs something of the machine. With a `reason` why that is not to be had, it is pending and says so. */
export function describeUnless(reason: string | undefined, title: string, suite: (this: Mocha.Suite) => void): void {
  if (reason === undefined) describe(title, suite)
  // A test without a body is pending, with its title for the reason.
  else describe(title, () => void it(reason))
}
