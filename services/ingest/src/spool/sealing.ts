import type { Vault } from '@tributary/vault'
import { type Reception, receptionFromText, receptionToText, sameness } from '../reception.ts'
import type { Entry, NewEntry } from './spool-file.ts'

/** What a sealed entry is bound to, so that it opens at its own place only. */
const sealName = (identity: string): string => `ingest spool ${identity}`

/** A reception as the spool keeps it. Needs no database. */
export function sealed(reception: Reception, vault: Vault): NewEntry {
  const identity = vault.subject('ingest:spool', sameness(reception))
  return {
    identity,
    kind: reception.kind,
    sealed: vault.sealSecret(sealName(identity), receptionToText(reception)),
    receivedTime: reception.time,
  }
}

/** Throws VaultError when the entry was tampered with, or its master key is gone. */
export const unsealed = ({ identity, sealed }: Entry, vault: Vault): Reception =>
  receptionFromText(vault.openSecret(sealName(identity), sealed))
