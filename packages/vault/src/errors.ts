export type VaultErrorCode =
  | 'VAULT_MASTER_KEY_MISSING'
  | 'VAULT_MASTER_KEY_INVALID'
  | 'VAULT_SEAL_BROKEN'
  | 'VAULT_KEY_UNKNOWN'
  | 'VAULT_MASTER_KEY_UNKNOWN'
  | 'VAULT_SEALING_ENDED'

/** Of no seal: where the thread ended under a call, or this process was not given the master key that others wrap keys by. */
const PASSING: ReadonlySet<VaultErrorCode> = new Set<VaultErrorCode>(['VAULT_SEALING_ENDED', 'VAULT_MASTER_KEY_UNKNOWN'])

/**
 * What the vault refuses, where trying the same again never helps; or what is `retriable`, because it says nothing of what was to be
 * sealed or opened: whoever waits goes on when the process has been started anew with the key. No message holds a plaintext, a key or who it is about.
 */
export class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly code: VaultErrorCode
  readonly retriable: boolean

  constructor(code: VaultErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.retriable = PASSING.has(code)
  }
}
