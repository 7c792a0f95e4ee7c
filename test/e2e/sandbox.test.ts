import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { createConnection, type RowDataPacket } from 'mysql2/promise'

const root = join(import.meta.dirname, '../..')

const AFTER_BOOTSTRAP = [process.execPath, 'services/cli/src/main.ts', 'sandbox']
const WITH_NPM = ['npm', 'start', '--silent', '--']

/**
 * The environment of a person's shell. `npm test` puts `node_modules/.bin` before everything, and the `node` there is a
 * shell script of pnpm's that passes no signal on; whoever types `npm start` has another.
 */
function personsEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  return { ...Object.fromEntries(own), PATH: folders.join(delimiter) }
}

/** Runs the sandbox as `npm start` does, in a process group of its own. */
function startSandbox(folder: string, options: string[], [command = '', ...how] = AFTER_BOOTSTRAP) {
  const child = spawn(command, [...how, '--folder', folder, ...options], {
    cwd: root,
    env: personsEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>
  return {
    child,
    exited,
    output: () => output,
    async until(pattern: RegExp): Promise<RegExpMatchArray> {
      for (;;) {
        const match = output.match(pattern)
        if (match) return match
        const next = await Promise.race([once(child.stdout, 'data'), exited.then(() => 'exited' as const)])
        if (next === 'exited' && !output.match(pattern)) throw new Error(`The sandbox ended early:\n${output}`)
      }
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      process.kill(-Number(child.pid), 'SIGKILL')
      await exited
    },
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => socket.destroy(resolve(true) as undefined))
    socket.once('error', () => resolve(false))
  })
}

/** Agrees for a new shop, as a browser does: the gateway's cookie goes back to the gateway. Answers the page at the end. */
async function agreeForNewShop(link: string): Promise<string> {
  const start = await fetch(link, { redirect: 'manual' })
  const cookie = (start.headers.getSetCookie()[0] ?? '').split(';', 1)[0] ?? ''
  const consent = start.headers.get('location') ?? ''
  const [, href = ''] = /A new shop: <a href="([^"]+)">/.exec(await (await fetch(consent)).text()) ?? []
  const agreed = await fetch(new URL(href.replaceAll(/&(amp|#38);/g, '&'), consent), { redirect: 'manual' })
  const back = await fetch(agreed.headers.get('location') ?? '', { headers: { cookie } })
  return await back.text()
}

describe('the sandbox', function () {
  this.timeout(90_000)
  // One for all: making the data folder of a MariaDB takes longer than all else.
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(root, '.local/sandbox-test-'))
  })
  // A MariaDB whose starter was killed may still be writing its last files.
  after(() => rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 250 }))

  it('takes orders all the way, reads them back and ends with one JSON line', async () => {
    const sandbox = startSandbox(folder, ['--orders', '20', '--rate', '10', '--exit', '--json'])
    try {
      const [code] = await sandbox.exited
      const lastLine = sandbox.output().trimEnd().split('\n').at(-1) ?? ''
      const report = JSON.parse(lastLine)
      expect(report).to.deep.include({ orders: 20, channels: { ebay: 20 }, delivered: 40 })
      expect(report.shipments).to.deep.equal({ confirmed: 1, delivered: 2 })
      expect(report.rows).to.deep.include({ eg_order_order: 20, eg_order_order_original: 20 })
      expect(report.rows.eg_order_order_detail).to.be.at.least(20)
      expect(code).to.equal(0)
      expect(sandbox.output()).to.match(/read and appended after \d+ ms/)
    } finally {
      await sandbox.end()
    }
  })

  it('plays several marketplaces in turn', async () => {
    const sandbox = startSandbox(folder, [
      '--channels',
      'ebay,tiktok,amazon,lazada',
      '--orders',
      '12',
      '--rate',
      '10',
      '--exit',
      '--json',
    ])
    try {
      const [code] = await sandbox.exited
      const report = JSON.parse(sandbox.output().trimEnd().split('\n').at(-1) ?? '')
      expect(report).to.deep.include({ orders: 12, channels: { ebay: 3, tiktok: 3, amazon: 3, lazada: 3 }, delivered: 24 })
      expect(report.shipments).to.deep.equal({ confirmed: 4, delivered: 8 })
      expect(code).to.equal(0)
    } finally {
      await sandbox.end()
    }
  })

  it('lets orders of the named marketplaces flow beside contacts', async () => {
    const sandbox = startSandbox(folder, ['--channels', 'lazada', '--contacts', '1', '--rate', '10'])
    try {
      await sandbox.until(/rows after \d+ ms/)
      expect(sandbox.output()).to.match(/simulated lazada, WeCom/)
    } finally {
      await sandbox.end()
    }
  })

  it('refuses to wait for the last of orders that do not end', async () => {
    const [node = '', ...how] = AFTER_BOOTSTRAP
    const failure = await promisify(execFile)(node, [...how, '--contacts', '1', '--channels', 'lazada', '--exit'], {
      cwd: root,
    })
      .then(() => undefined)
      .catch((error: { code: number; stderr: string }) => error)
    expect(failure?.stderr).to.contain('say how many with --orders')
    expect(failure?.code).to.equal(64)
  })

  it('lets a person connect another shop in a browser, whose orders then come', async () => {
    const sandbox = startSandbox(folder, ['--channels', 'ebay,tiktok,amazon,lazada', '--rate', '10'])
    try {
      await sandbox.until(/They flow/)
      const links = [...sandbox.output().matchAll(/in a browser: (http:\S+)/g)].map(([, link]) => link ?? '')
      expect(links).to.have.length(4)
      for (const link of links) expect(await agreeForNewShop(link), link).to.contain('The shop is connected')
      const [, page = ''] = await sandbox.until(/API +(http:\S+)/)
      const shown = await fetch(page)
      expect([shown.status, await shown.text()].join(' '), page).to.match(/^200 <!doctype html>/)
      // What the page shows, it loads by itself; without a token, as a browser does.
      const described = await fetch(new URL('/v3/api-docs', page))
      expect(((await described.json()) as { paths: object }).paths).to.have.property('/v1/orders')
      const [, port] = await sandbox.until(/MariaDB +127\.0\.0\.1:(\d+)/)
      const password = await readFile(join(folder, 'mariadb/password'), 'utf8')
      const database = await createConnection({
        uri: `mysql://root:${password.trim()}@127.0.0.1:${port}/tributary_sandbox`,
      })
      try {
        const connected = async () => {
          const [rows] = await database.query<RowDataPacket[]>(
            `SELECT s.channel, COUNT(DISTINCT s.id) AS shops, COUNT(o.id) AS orders FROM eg_order_app_seller s
             LEFT JOIN eg_order_order o ON o.order_app_seller_id = s.id AND o.deleted = 0
             WHERE s.id > (SELECT MIN(f.id) FROM eg_order_app_seller f WHERE f.channel = s.channel)
             GROUP BY s.channel ORDER BY s.channel`,
          )
          return rows.map(({ channel, shops, orders }) => [channel, shops, orders])
        }
        const wanted = [
          [1, 1, 3],
          [2, 1, 3],
          [3, 1, 3],
          [4, 1, 3],
        ]
        while (JSON.stringify(await connected()) !== JSON.stringify(wanted))
          await new Promise((resolve) => setTimeout(resolve, 200))
      } finally {
        await database.end()
      }
    } finally {
      await sandbox.end()
    }
  })

  it('lets a person add an app of their own, and work on it with every command, from another terminal', async () => {
    // As one stands there that everybody may read.
    await writeFile(join(folder, 'environment'), '')
    await chmod(join(folder, 'environment'), 0o644)
    const sandbox = startSandbox(folder, [])
    const shell = async (command: string) => {
      const [node = ''] = AFTER_BOOTSTRAP
      const script = `. '${join(folder, 'environment')}'; tributary() { '${node}' services/cli/src/main.ts "$@"; }; ${command}`
      return (await promisify(execFile)('sh', ['-c', script], { cwd: root, env: personsEnvironment() })).stdout
    }
    try {
      const [, told] = await sandbox.until(/operate +\. (\S+) &&/)
      expect(told).to.equal(join(folder, 'environment'))
      expect((await stat(join(folder, 'environment'))).mode & 0o077).to.equal(0)
      const readme = await readFile(join(root, 'README.md'), 'utf8')
      const command = /SANDBOX_EBAY_CLIENT_SECRET" \| npm run tributary -- (app add(?:[^\n]*\\\n)*[^\n]*)\n/
      const [, words = ''] = command.exec(readme) ?? []
      const added = await shell(`echo "$SANDBOX_EBAY_CLIENT_SECRET" | tributary ${words}`)
      const [, app = ''] = /App (\d+) added/.exec(added) ?? []
      const gateway = (await shell('echo "$SANDBOX_GATEWAY"')).trim()
      const page = await agreeForNewShop(`${gateway}/open/order/oauth/authorize/1?app=${app}&spi=warehouse`)
      expect(page).to.contain('The shop is connected')
      const connected = async () =>
        (await shell('tributary seller list --json'))
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).app)
      while (!(await connected()).includes(Number(app)));
    } finally {
      await sandbox.end()
    }
  })

  it('takes contacts of WeCom all the way, and reads the four tables back', async () => {
    const sandbox = startSandbox(folder, ['--contacts', '12', '--rate', '20', '--exit', '--json'])
    try {
      const [code] = await sandbox.exited
      const report = JSON.parse(sandbox.output().trimEnd().split('\n').at(-1) ?? '')
      const rows = { eg_wework_event_member: 12, eg_wework_member: 12, eg_wework_member_dept: 12, eg_wework_department: 3 }
      expect(report).to.deep.include({ orders: 0, contacts: 12, rows })
      // Every member, and every department of the first reading.
      expect(report.delivered).to.equal(15)
      expect(code).to.equal(0)
    } finally {
      await sandbox.end()
    }
  })

  it('stops at Ctrl-C and leaves no process', async () => {
    const sandbox = startSandbox(folder, [])
    try {
      const [, gateway] = await sandbox.until(/gateway +http:\/\/127\.0\.0\.1:(\d+)/)
      const [, database] = await sandbox.until(/MariaDB +127\.0\.0\.1:(\d+)/)
      await sandbox.until(/signatures verified/)
      process.kill(-Number(sandbox.child.pid), 'SIGINT')
      const [code] = await sandbox.exited
      // It would be 1 had the services needed more than their 4.5 seconds.
      expect(code).to.equal(0)
      expect(await isOpen(Number(gateway))).to.equal(false)
      expect(await isOpen(Number(database))).to.equal(false)
    } finally {
      await sandbox.end()
    }
  })

  it('stops as well when npm alone is told to', async () => {
    const sandbox = startSandbox(folder, [], WITH_NPM)
    try {
      const [, gateway] = await sandbox.until(/gateway +http:\/\/127\.0\.0\.1:(\d+)/)
      sandbox.child.kill('SIGTERM')
      await sandbox.exited
      expect(await isOpen(Number(gateway))).to.equal(false)
    } finally {
      await sandbox.end()
    }
  })

  it('leaves no MariaDB behind when it is killed', async () => {
    const sandbox = startSandbox(folder, [])
    try {
      const [, database] = await sandbox.until(/MariaDB +127\.0\.0\.1:(\d+)/)
      sandbox.child.kill('SIGKILL')
      await sandbox.exited
      while (await isOpen(Number(database))) await new Promise((resolve) => setImmediate(resolve))
    } finally {
      await sandbox.end()
    }
  })
})
