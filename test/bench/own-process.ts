import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** A part of a bench in a process of its own, so that it does not share a thread with what is measured. */
export type OwnProcess<Questions> = {
  /** Resolves with the answer; questions are answered one after another. Rejects when the process has gone. */
  ask<K extends keyof Questions & string>(kind: K, ...given: Given<Questions, K>): Promise<Answer<Questions, K>>
  stop(): Promise<void>
}

type Given<Questions, K extends keyof Questions> = Questions[K] extends (...given: infer G) => unknown ? G : never
type Answer<Questions, K extends keyof Questions> = Questions[K] extends (...given: never[]) => infer A ? Awaited<A> : never

/** Starts `file` in a process of its own, which must call `answerQuestions`. */
export function ownProcess<Questions>(file: string, args: readonly string[] = []): OwnProcess<Questions> {
  const child = fork(file, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  let asking: Promise<unknown> = Promise.resolve()
  return {
    ask: (kind, ...given) => {
      const answer = asking.then(() => askOnce(child, { kind, given }))
      asking = answer
      return answer as never
    },
    stop: async () => {
      if (!child.connected) return
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}

async function askOnce(child: ChildProcess, question: { kind: string; given: unknown[] }): Promise<unknown> {
  child.send(question)
  const gone = new AbortController()
  try {
    const [answer] = await Promise.race([
      once(child, 'message', gone),
      once(child, 'exit', gone).then(() =>
        Promise.reject(new Error(`The process was gone before it answered '${question.kind}'.`)),
      ),
    ])
    return answer
  } finally {
    gone.abort()
  }
}

/** Answers what the parent asks until that goes. A throw ends the process. */
export function answerQuestions(answers: Record<string, (...given: never[]) => unknown>): void {
  process.on('message', async ({ kind, given }: { kind: string; given: never[] }) => {
    process.send?.((await answers[kind]?.(...given)) ?? null)
  })
  process.once('disconnect', () => process.exit(0))
}
