/** Pseudonym of a person, corp or seller: a keyed hash, so that the log does not name them. 43 characters base64url. */
export type Subject = string

/** `erased` means that the subject's key was destroyed: the content is gone for good. */
export type SealOutcome = { kind: 'sealed'; jwe: string } | { kind: 'erased' }
export type OpenOutcome = { kind: 'opened'; plaintext: string } | { kind: 'erased' }

export type Vault = {
  /** The pseudonym of `id` among things of one `kind`, for example ('ebay:user', 'some_buyer'). */
  subject(kind: string, id: string): Subject
  /**
   * Seals each plaintext under its subject's data key, bound to the subject and to `eventId`.
   * Makes missing keys and records `holder` (who keeps data of this subject, for example an order's key) durably before
   * it answers, and refuses with `erased` once the subject was destroyed, also when the key is still cached here.
   * For up to 200 items one round trip, two when there are new subjects; three when another process was at the same subjects.
   */
  seal(items: readonly { subject: Subject; eventId: string; holder?: string; plaintext: string }[]): Promise<SealOutcome[]>
  /**
   * Opens what `seal` made. Throws VaultError VAULT_SEAL_BROKEN when the text is no JWE of ours, was tampered with, or
   * was sealed for another subject or event.
   */
  open(items: readonly { subject: Subject; eventId: string; jwe: string }[]): Promise<OpenOutcome[]>
  /** Destroys the subject's data key for ever. Answers who held data of it; `known` is false when nobody did. Idempotent. */
  destroy(subject: Subject): Promise<{ known: boolean; holders: string[] }>
  /** Seals a value of ours (a refresh token in a column, a cached access token) under the master key, bound to `name`. */
  sealSecret(name: string, plaintext: string): string
  /** Opens what `sealSecret` made for the same name. Throws VaultError. */
  openSecret(name: string, sealed: string): string
}
