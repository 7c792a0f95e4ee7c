import { DatabaseError } from '@tributary/database'
import { EventLogError } from '@tributary/event-log'
import { EventError, RowIdError } from '@tributary/events'
import { VaultError } from '@tributary/vault'
import { expect } from 'chai'
import { LateError } from '../within.ts'
import { blame } from './blame.ts'

describe('an entry of the spool', () => {
  it('is to blame for what the log refuses of it', () => {
    for (const error of [
      new EventError('EVENT_INVALID', 'x'),
      new EventLogError('LOG_EVENT_TOO_LARGE', 'x', { retriable: false }),
      new DatabaseError('DATABASE_VALUE_REFUSED', 'x'),
      new VaultError('VAULT_SEAL_BROKEN', 'x'),
    ])
      expect(blame(error), error.code).to.equal('entry')
  })

  it('is not to blame for a log that is away, closed or refuses us altogether', () => {
    for (const error of [
      new EventLogError('LOG_UNAVAILABLE', 'x', { retriable: true }),
      new EventLogError('LOG_UNAVAILABLE', 'x', { retriable: false }),
      new EventLogError('LOG_CLOSED', 'x', { retriable: false }),
      new DatabaseError('DATABASE_SCHEMA_MISMATCH', 'x'),
      new RowIdError('ROW_ID_LEASE_LOST', 'x'),
      new LateError('x'),
      new VaultError('VAULT_SEALING_ENDED', 'x'),
      new VaultError('VAULT_MASTER_KEY_UNKNOWN', 'x'),
    ])
      expect(blame(error), error.code).to.equal('surroundings')
  })

  it('may be to blame for a fault of ours', () => {
    expect(blame(new TypeError('x'))).to.equal('unknown')
  })
})
