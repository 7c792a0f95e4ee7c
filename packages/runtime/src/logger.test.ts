import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { createLogger, type Logger } from './logger.ts'

describe('the logger', () => {
  let lines: string[]
  let logger: Logger
  const destination = { write: (line: string) => void lines.push(line) }
  beforeEach(() => {
    lines = []
    logger = createLogger({ level: 'debug', format: 'json', destination })
  })
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '{}')

  it('writes one JSON object a line, with level by name and time', () => {
    logger.info({ lag: 3 }, 'projecting')
    expect(last()).to.include({ level: 'info', lag: 3, msg: 'projecting' })
    expect(Date.parse(String(last()['time']))).to.be.closeTo(Date.now(), 5_000)
  })

  it('lets work go on whose lines nobody can keep, because the disk is full', async () => {
    const program = `import { createLogger } from '${import.meta.resolve('./logger.ts')}'
      const logger = createLogger({ level: 'info', format: 'json' })
      for (let line = 0; line < 100; line += 1) logger.info({ text: '1'.repeat(20_000) }, 'a line')
      process.stderr.write('done')`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    })
    const [said, [code]] = await Promise.all([text(child.stderr as NodeJS.ReadableStream), once(child, 'exit')])
    expect({ said, code }).to.deep.equal({ said: 'done', code: 0 })
  })

  it('takes time as a line is long, not as its square: anyone may ask for a path that is logged', () => {
    // Each of these took minutes, and the event loop with it.
    for (const path of ['x'.repeat(1_000_000), 'a-'.repeat(500_000), 'a1.'.repeat(300_000)]) logger.info({ path }, 'request')
    expect(lines).to.have.length(3)
  })

  it('hides secrets and personal data by name, at any depth, in children too', () => {
    const secrets = {
      refreshToken: 'hidden-1',
      client_secret: 'hidden-2',
      code: 'hidden-3',
      state: 'hidden-4',
      SuiteTicket: 'hidden-14',
      permanent_code: 'hidden-15',
      headers: { Authorization: 'hidden-5', 'x-ebay-signature': 'hidden-6', cookie: 'hidden-7' },
      order: {
        buyer: { username: 'hidden-8' },
        shipTo: { contactAddress: { city: 'hidden-9' } },
        lines: [{ fullName: 'hidden-10' }],
      },
    }
    logger.child({ password: 'hidden-11' }).info({ ...secrets, status: 'SHIPPED', code2: 1 }, 'order')
    expect(lines.join('')).not.to.match(/hidden-\d/)
    expect(last()).to.include({ status: 'SHIPPED', refreshToken: '[hidden]' })
  })

  it('keeps the codes of errors, and nothing of theirs that may hold values', () => {
    const cause = Object.assign(new Error('Duplicate entry'), {
      code: 'ER_DUP_ENTRY',
      sql: "INSERT INTO t VALUES ('hidden-1')",
    })
    const error = Object.assign(new Error('The log is away', { cause }), {
      code: 'LOG_UNAVAILABLE',
      retriable: true,
      response: 'hidden-2',
    })
    logger.error({ err: error }, 'failed')
    logger.error(error)
    expect(lines.join('')).not.to.match(/hidden-\d/)
    const { err } = last() as { err: Record<string, unknown> }
    expect(err).to.include({ code: 'LOG_UNAVAILABLE', retriable: true, message: 'The log is away' })
    expect(err['cause']).to.include({ code: 'ER_DUP_ENTRY' })
  })

  it('hides secrets that stand in free text', () => {
    const texts = [
      'GET https://qyapi.example/cgi-bin/gettoken?corpid=ww1&corpsecret=hidden-9 failed',
      'GET https://auth.example/api/v2/token/get?app_key=k&app_secret=hidden-1&auth_code=hidden-2&grant_type=authorized_code failed',
      'cannot reach mysql://tributary:hidden-1@db.example/hub',
      'sent Authorization: Bearer hidden-2-abcdefgh',
      'GET /open/order/oauth/callback/1?code=hidden-3&state=hidden-4 failed',
      'answer was {"refresh_token":"hidden-5","expires_in":7200}',
      'token v^1.1#i^1#hidden-6#r^0 refused',
      'GET /open/order/oauth/callback/3?spapi_oauth_code=hidden-7&amazon_state=hidden-8 failed',
      'token Atzr|hidden-0 refused, and Atza%7Chidden-0, too',
      'the secret whsec_aGlkZGVuLTc= and the key whsk_aGlkZGVuLTg= are not base64',
    ]
    for (const text of texts) logger.warn(text)
    logger.error(new Error(texts.join('; ')))
    expect(lines.join('')).not.to.match(/hidden-\d|aGlkZGVu/)
    expect(lines.join('')).to.contain('db.example/hub').and.to.contain('expires_in')
    for (const line of lines) expect(() => JSON.parse(line)).not.to.throw()
  })

  it('survives fields that refer to themselves and very long lists', () => {
    const loop: Record<string, unknown> = { list: Array.from({ length: 5_000 }, () => 'x') }
    loop['self'] = loop
    logger.info(loop, 'loop')
    expect(lines.at(-1)?.length).to.be.lessThan(10_000)
  })

  it('writes for people when asked to', () => {
    createLogger({ level: 'info', format: 'pretty', destination }).info({ refreshToken: 'hidden-1' }, 'seller authorized')
    expect(lines.join('')).to.contain('seller authorized').and.not.to.contain('hidden-1')
    expect(() => JSON.parse(lines.join(''))).to.throw()
  })
})
