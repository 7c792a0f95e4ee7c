import { expect } from 'chai'
import { type Command, CommanderError } from 'commander'
import { buildProgram } from './program.ts'
import { doingOf, wordsOf } from './what-commands-do.ts'

/** A command with the words that call it. */
type Called = { words: string[]; command: Command }

function everyCommand(command: Command, words: string[] = []): Called[] {
  return [{ words, command }, ...command.commands.flatMap((child) => everyCommand(child, [...words, child.name()]))]
}

/** Parses a call without touching this process; answers what was said and the error that would end it. */
async function call(...words: string[]): Promise<{ said: string; error: unknown }> {
  let said = ''
  const program = buildProgram()
  const write = (text: string) => {
    said += text
  }
  for (const { command } of everyCommand(program)) command.configureOutput({ writeOut: write, writeErr: write })
  const error = await program.parseAsync(words, { from: 'user' }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { said, error }
}

describe('the command line', () => {
  it('helps with every command: how it is called, what it does, and what each option means', async () => {
    const commands = everyCommand(buildProgram())
    expect(commands.map(({ words }) => words.join(' '))).to.include.members([
      'serve',
      'migrate',
      'app add',
      'spi add',
      'doctor',
    ])
    for (const { words, command } of commands) {
      const { said, error } = await call(...words, '--help')
      expect(error, words.join(' ')).to.be.instanceOf(CommanderError).and.to.have.property('exitCode', 0)
      expect(said).to.include(`Usage: ${['tributary', ...words].join(' ')}`)
      expect(command.description(), words.join(' ')).not.to.equal('')
      for (const { flags, description } of command.options) expect(description, `${words.join(' ')} ${flags}`).not.to.equal('')
    }
  })

  it('knows of every command whether it only reads, so that none that changes something leaves no record', () => {
    for (const { words, command } of everyCommand(buildProgram())) {
      if (command.commands.length > 0) continue
      expect(wordsOf(command)).to.equal(words.join(' '))
      expect(doingOf(words.join(' ')), `${words.join(' ')}: say in what-commands-do.ts what it does`).to.not.equal(undefined)
    }
  })

  it('refuses a call that it does not understand before it does anything, and says what there is', async () => {
    const calls: [string[], string][] = [
      [['nonsense'], 'unknown command'],
      [['serve'], 'missing required argument'],
      [['serve', 'ingest', 'nonsense'], 'ingest, order-sync, contact-sync, projector, dispatcher, console'],
      [['app', 'add', '--channel', 'ebay'], '--name <name>'],
      [['app', 'add', '--channel', 'myspace'], '1 (ebay)'],
      [['seller', 'route', 'ebay', '--spi', 'a'], 'missing required argument'],
      [['parked', 'skip', 'orders', '1:2:3', '-1', '--yes'], 'a whole number, 0 or more'],
      [['parked', 'skip', 'orders', '1:2:3', '7'], '--yes'],
      [['sandbox', '--orders', '0'], 'a whole number of at least 1'],
      [['endpoint', 'rotate-secret', 'some', '--kind', 'v2'], 'v1, v1a'],
      [['endpoint', 'rotate-secret', 'some', '--overlap', '8d'], 'at most 7 days'],
      [['rebuild', 'orders', '--verify-only', '--rollback'], 'cannot be used with option'],
      [['events', 'find', '--order', 'some_order'], 'channel:seller:order'],
      [['events', 'find', '--order', '9:seller:order'], '1 (ebay)'],
      [['events', 'tail', '--type', 'Bogus'], 'OrderReceived'],
      [['deliveries', 'list', '--order', '1:seller:'], 'channel:seller:order'],
      [['doctor', '--quickly'], 'unknown option'],
    ]
    for (const [words, answer] of calls) {
      const { said, error } = await call(...words)
      expect(error, words.join(' ')).to.be.instanceOf(CommanderError).and.to.have.property('exitCode').that.is.above(0)
      expect(said, words.join(' ')).to.include(answer)
    }
  })
})
