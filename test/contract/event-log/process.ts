import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { LogUnderTest } from './log-under-test.ts'
import type { Answer, Orders, Question } from './member-process.ts'
import type { Cursors } from './recorder.ts'

/** A member of a group in a process of its own. */
export type ProcessMember = {
  held: Set<number>
  ids: string[]
  /** Every question it asked, in order. */
  questions: Question[]
  /** While true its questions stay without an answer: it is busy with the batch it was given. */
  busy: boolean
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  /** Kills it and waits. */
  end(): Promise<void>
}

/** Starts a process that follows `topic`. Its cursors are `cursors`, moved when it has taken a batch. */
export function startMember({ url, databaseUrl }: LogUnderTest, topic: string, cursors: Cursors): ProcessMember {
  const child: ChildProcess = fork(join(import.meta.dirname, 'member-process.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const member: ProcessMember = {
    held: new Set(),
    ids: [],
    questions: [],
    busy: false,
    signal: (signal) => child.kill(signal),
    end: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
  child.on('message', (question: Question) => {
    member.questions.push(question)
    if (member.busy && question.kind === 'batch') return
    if (question.kind === 'assigned') member.held.add(question.partition)
    if (question.kind === 'revoked') member.held.delete(question.partition)
    if (question.kind === 'batch') {
      member.ids.push(...question.ids)
      cursors.set(question.partition, question.next)
    }
    const answer: Answer = { number: question.number, position: cursors.get(question.partition) ?? 0 }
    if (child.connected) child.send(answer, () => {})
  })
  const orders: Orders = { url, topic, group: 'group', ...(databaseUrl === undefined ? {} : { databaseUrl }) }
  child.send(orders)
  return member
}
