import { type RecordedEvent, readSlices } from '@tributary/event-log'
import { CONTACT_TOPIC, decodeEvent, ORDER_TOPIC } from '@tributary/events'
import { rewrapKeys } from '@tributary/vault'
import type { Command } from 'commander'
import { counted, printLine } from '../output.ts'
import { type LogAccess, withDatabase, withHistory } from '../setting-up.ts'

/** `tributary vault rewrap|erase-again`: the data keys of people and corps. */
export function addVaultCommands(program: Command): void {
  const vault = program.command('vault').description('keys of the personal data')
  vault
    .command('rewrap')
    .description('wrap every data key under the first master key, so that the others can be taken away')
    .action(async (_options, command: Command) => {
      const changed = await withDatabase(command, (database, { masterKeys }) => rewrapKeys(database, masterKeys))
      printLine(changed === 0 ? 'Every key was under the first master key already.' : `${changed} keys were wrapped anew.`)
    })
  vault
    .command('erase-again')
    .description(
      'destroy the data key of everybody who was erased, as the log tells: after keys were restored from an older copy',
    )
    .action(async (_options, command: Command) => {
      const erased = await withHistory(command, eraseAgain)
      printLine(`The log tells of ${counted(erased, 'erasure')}; no key of theirs is in the vault.`)
    })
}

/** Answers how many people and corps had their keys destroyed. */
async function eraseAgain(access: LogAccess): Promise<number> {
  const erased = new Set<string>()
  for await (const { event } of everyEvent(access)) {
    if (event.type !== 'PersonalDataErased' && event.type !== 'CorpDeauthorized') continue
    const decoded = decodeEvent(event)
    if (decoded.type === 'PersonalDataErased' || decoded.type === 'CorpDeauthorized') erased.add(decoded.data.subject)
  }
  for (const subject of erased) await access.vault.destroy(subject)
  access.signal.throwIfAborted()
  return erased.size
}

async function* everyEvent({ log, signal }: LogAccess): AsyncGenerator<RecordedEvent> {
  for (const topic of [ORDER_TOPIC, CONTACT_TOPIC])
    for (const partition of (await log.ends(topic)).keys())
      for await (const { events } of readSlices(log, topic, partition, { signal })) yield* events
}
