import { once } from 'node:events'
import { parentPort, type Worker } from 'node:worker_threads'
import type { Position } from '@tributary/event-log'
import { type BuildContext, type BuildPlan, type BuildTask, buildHere, type PartitionBuilder } from './partition-builder.ts'

/** To the thread: the plan comes first, tasks one after another, and once the end. */
type Request = { kind: 'plan'; plan: BuildPlan } | { kind: 'build'; task: BuildTask } | { kind: 'end' }
/** From the thread. A failure has no answer: it ends the thread, and is the error with which the thread ends. */
type Answer = { kind: 'reached'; next: Position } | { kind: 'built'; next: Position }

/**
 * Builds in a thread of its own, which is started by `start` or with the first task, and must call `serveBuilding`. It takes
 * one task at a time. When `signal` aborts, or a task fails, the thread finishes the transaction in hand and ends.
 */
export function inThread(start: () => Worker, plan: BuildPlan): PartitionBuilder {
  let started: { thread: Worker; gone: Promise<never>; exited: Promise<unknown> } | undefined

  function startOnce() {
    if (started) return started
    const thread = start()
    const exited = new Promise((resolve) => thread.once('exit', resolve))
    const gone = once(thread, 'exit').then(([code]) => {
      throw new Error(`A thread of the rebuild ended with code ${code} before its time.`)
    })
    gone.catch(() => {})
    send(thread, { kind: 'plan', plan })
    started = { thread, gone, exited }
    return started
  }

  return {
    start: () => {
      startOnce()
    },
    build: async (task, signal, onReached) => {
      const { thread, gone } = startOnce()
      const end = () => send(thread, { kind: 'end' })
      signal.addEventListener('abort', end)
      const heard = Promise.withResolvers<Position>()
      const hear = ({ kind, next }: Answer) => (kind === 'built' ? heard.resolve(next) : onReached(next))
      thread.on('message', hear)
      try {
        send(thread, { kind: 'build', task })
        return await Promise.race([heard.promise, gone])
      } finally {
        thread.off('message', hear)
        signal.removeEventListener('abort', end)
      }
    },
    close: async () => {
      if (!started) return
      send(started.thread, { kind: 'end' })
      await started.exited
    },
  }
}

const send = (thread: Worker, request: Request): void => thread.postMessage(request)

/**
 * Builds what the thread that started this one asks for, until that ends it. Throws what a task failed with, for the caller
 * to close what `context` holds and let the error end the thread.
 */
export async function serveBuilding(context: BuildContext): Promise<void> {
  const port = parentPort
  if (!port) throw new TypeError('Only a thread can serve building.')
  const ending = new AbortController()
  const ended = Promise.withResolvers<void>()
  let builder: PartitionBuilder | undefined
  let isIdle = true
  const build = async (task: BuildTask): Promise<void> => {
    isIdle = false
    const tell = (answer: Answer) => port.postMessage(answer)
    const next = await builder?.build(task, ending.signal, (position) => tell({ kind: 'reached', next: position }))
    isIdle = true
    tell({ kind: 'built', next: next ?? task.to })
    if (ending.signal.aborted) ended.resolve()
  }
  port.on('message', (request: Request) => {
    if (request.kind === 'plan') builder = buildHere(context, request.plan)
    else if (request.kind === 'build') build(request.task).catch(ended.reject)
    else {
      ending.abort(new Error('The rebuild ends.'))
      if (isIdle) ended.resolve()
    }
  })
  try {
    await ended.promise
  } finally {
    port.close()
  }
}
