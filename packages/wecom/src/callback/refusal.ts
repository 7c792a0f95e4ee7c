/**
 * Why a callback is not taken. The first group is checked before the signature has vouched for anything; the second
 * needs the right key to happen at all, so it means a fault of ours or of WeCom; the third is well made but not for us.
 */
export type RefusalReason =
  | 'bad_envelope'
  | 'bad_signature'
  | 'bad_base64'
  | 'bad_ciphertext_length'
  | 'bad_padding'
  | 'too_short'
  | 'bad_msg_len'
  | 'bad_utf8'
  | 'bad_xml'
  | 'bad_json'
  | 'receive_id_mismatch'
  | 'suite_id_mismatch'

export type Refused = { kind: 'refused'; reason: RefusalReason }

export const refused = (reason: RefusalReason): Refused => ({ kind: 'refused', reason })

/** The settings of a callback address cannot be used. Never retriable: an operator mends the configuration. */
export class WecomSettingsError extends Error {
  override readonly name = 'WecomSettingsError'
  readonly code: 'bad_encoding_aes_key' | 'bad_token'
  readonly retriable = false

  constructor(code: WecomSettingsError['code'], message: string) {
    super(message)
    this.code = code
  }
}
