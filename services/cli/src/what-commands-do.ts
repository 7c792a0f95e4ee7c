import type { Connection } from '@tributary/database'
import { recordAccess } from '@tributary/history'
import type { Command } from 'commander'
import { operatorName } from './operator-name.ts'

/**
 * What each command does: `reads`, with no more than SELECT; `changes`, which is written down before it begins; `records` its change
 * itself, in the transaction that makes it; `apart` from what the database holds, or from any of it.
 */
export type Doing = 'reads' | 'changes' | 'records' | 'apart'

const BY_DOING: Readonly<Record<Doing, readonly string[]>> = {
  reads: [
    ...['app list', 'api-key list', 'spi list', 'seller list', 'consent list', 'order-read list', 'parked list'],
    ...['shipment list', 'shipment show', 'endpoint list', 'endpoint keys'],
    ...['deliveries list', 'deliveries show', 'deliveries verify', 'events tail', 'events find', 'events show', 'row why'],
    ...['projection status', 'projection parked', 'export', 'wework corps', 'wework quarantine', 'doctor'],
  ],
  changes: [
    ...['app add', 'app set-secret', 'api-key add', 'api-key revoke', 'spi add', 'seller route'],
    ...['consent confirm', 'consent discard', 'endpoint test', 'endpoint rotate-secret', 'endpoint revoke-key'],
    ...['endpoint move-secret', 'rebuild', 'restore', 'import', 'log copy', 'vault rewrap', 'vault erase-again'],
  ],
  records: [
    ...['migrate', 'order-read requeue', 'shipment retry', 'parked requeue', 'parked skip', 'projection requeue'],
    ...['projection skip', 'endpoint pause', 'endpoint resume', 'deliveries retry', 'deliveries skip', 'replay'],
    'wework reconcile',
  ],
  apart: ['serve', 'sandbox', 'spool list', 'spool retry'],
}

/** With this option such a command changes nothing. */
const LOOKS: Readonly<Record<string, string>> = { import: 'verifyOnly', replay: 'dryRun', migrate: 'status' }

const DOINGS = new Map(
  Object.entries(BY_DOING).flatMap(([doing, commands]) => commands.map((words) => [words, doing as Doing] as const)),
)

/** What the command of these words does, undefined for one that nobody has said it of. */
export const doingOf = (words: string): Doing | undefined => DOINGS.get(words)

/** The words that call a command, without the program's name. */
export function wordsOf(command: Command): string {
  const { parent } = command
  return parent?.parent ? `${wordsOf(parent)} ${command.name()}` : command.name()
}

const recorded = new WeakSet<Command>()

/** Writes down who changes what by a command, in the transaction of the change or before it. Throws DatabaseError. */
export async function recordChange(connection: Connection, command: Command, target: string): Promise<void> {
  await recordAccess(connection, { actor: operatorName(), action: wordsOf(command), target })
  recorded.add(command)
}

/** Runs the work of a command that has a database, so that no change goes unrecorded. */
export async function accountedFor<T>(connection: Connection, command: Command, work: () => Promise<T>): Promise<T> {
  const words = wordsOf(command)
  const look = LOOKS[words]
  const doing = look !== undefined && command.opts()[look] === true ? 'reads' : doingOf(words)
  if (doing === 'changes') await recordChange(connection, command, calledWith(command))
  const result = await work()
  if (doing === 'records' && !recorded.has(command)) throw new TypeError(`${words} changed something and recorded nothing.`)
  return result
}

/** What a command was called with, without the values of options, which may hold a password. */
const calledWith = (command: Command): string =>
  [
    ...command.args,
    ...command.options
      .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
      .map(({ long }) => long),
  ].join(' ')
