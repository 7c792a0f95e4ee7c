#!/usr/bin/env node
// The first thing that runs, on whatever Node (20 or newer) the machine has: brings the dependencies and the pinned
// Node 24 in, then hands over to them. Plain JavaScript and no imports from the workspace, because nothing is there yet.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const [command = 'help', ...rest] = process.argv.slice(2)

/**
 * Where Node keeps what it made of our modules, so that a command, or a thread of a rebuild, starts in half the time. It stands
 * beside the code, because whoever may write there may change the code as well; where we may not, Node does without.
 */
const compileCache = join(root, 'node_modules/.cache/tributary')

/** Each command of package.json, as argument lists for the pinned Node, run one after another until one fails. */
const commands = {
  sandbox: () => [['services/cli/src/main.ts', 'sandbox', ...rest]],
  tributary: () => [['services/cli/src/main.ts', ...rest]],
  // In CI nothing may be left out; elsewhere the suites of a broker that cannot be had are pending, and say why.
  test: () => [['node_modules/mocha/bin/mocha.js', ...(process.env.CI ? ['--forbid-pending'] : []), ...rest]],
  bench: () => [['test/bench/main.ts', ...rest]],
  check: () => [
    ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.base.json'],
    ['node_modules/dependency-cruiser/bin/dependency-cruiser.mjs', 'packages', 'projections', 'services', 'test'],
    ['packages/events/src/documentation/main.ts', '--check'],
    ['packages/delivery/src/documentation/main.ts', '--check'],
  ],
  format: () => [
    ['node_modules/@biomejs/biome/bin/biome', 'check', '--write', '.'],
    ['packages/events/src/documentation/main.ts'],
    ['packages/delivery/src/documentation/main.ts'],
  ],
}

if (!(command in commands)) {
  process.stderr.write(`Unknown command '${command}'. Known: ${Object.keys(commands).join(', ')}.\n`)
  process.exit(64)
}

installDependencies()
if (['sandbox', 'test', 'bench'].includes(command)) installMariaDb()
if (command === 'test' || command === 'bench' || rest.join(' ').includes('--log kafka')) installKafka()
if (command === 'test') {
  installPython()
  installPrometheus()
}
for (const argumentList of commands[command]()) {
  const code = await runPinnedNode(argumentList)
  if (code !== 0) process.exit(code)
}

function installDependencies() {
  const stampFile = join(root, 'node_modules/.tributary-lock')
  const stamp = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  say('Installing dependencies and Node 24 (about half a minute, once) ...')
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const result = spawnSync('npx', ['--yes', packageManager, 'install', '--frozen-lockfile', '--reporter=append-only'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, CI: 'true' },
  })
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}\n`)
    fail(`The dependencies could not be installed with ${packageManager}. Is the npm registry within reach?`)
  }
  mkdirSync(join(root, '.local'), { recursive: true })
  writeFileSync(stampFile, stamp)
}

function installMariaDb() {
  if (findProgram('mariadbd')) return
  if (process.env.TRIBUTARY_TEST_DATABASE_URL && command === 'test') return
  install('MariaDB', ['mariadb-server'])
}

/** Java and Maven, for the broker that tests and `npm start -- --log kafka` run on. */
function installKafka() {
  if (process.env.TRIBUTARY_TEST_KAFKA_URL && command === 'test') return
  const mayGoWithout = command === 'test' && !process.env.CI && process.getuid?.() !== 0
  const missing = [!findProgram('java') && 'openjdk-17-jre-headless', !findProgram('mvn') && 'maven'].filter(Boolean)
  if (missing.length === 0) return
  if (mayGoWithout) say(`Without ${missing.join(' and ')} the suites of Apache Kafka are pending.`)
  else install('Java and Maven for Apache Kafka', missing)
}

/** Python, for Schemathesis, which tries the HTTP API against its own description. */
function installPython() {
  if (spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0) return
  if (process.env.CI || process.getuid?.() === 0) install('Python for Schemathesis', ['python3-venv'])
}

/** promtool, which tries the alert rules. */
function installPrometheus() {
  if (findProgram('promtool')) return
  if (process.env.CI || process.getuid?.() === 0) install("Prometheus's promtool", ['prometheus'])
}

function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin']
  return folders.some((folder) => existsSync(join(folder, name)))
}

function install(what, packages) {
  const byHand = `sudo apt-get install ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) fail(`Missing: ${what}. Install it with: ${byHand}`)
  say(`Installing ${what} with apt (once) ...`)
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('apt-get', ['update', '-qq'], { env: environment, stdio: 'ignore' })
  const words = ['install', '-y', '-qq', '--no-install-recommends', ...packages]
  const result = spawnSync('apt-get', words, { env: environment, encoding: 'utf8' })
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}\n`)
    fail(`${what} could not be installed. Install it by hand: ${byHand}`)
  }
}

/** Runs to the end. Signals of the terminal reach the child by themselves; those sent to us alone are passed on. */
function runPinnedNode(argumentList) {
  return new Promise((resolve) => {
    const env = { NODE_COMPILE_CACHE: compileCache, ...process.env }
    const child = spawn(join(root, 'node_modules/node/bin/node'), argumentList, { cwd: root, stdio: 'inherit', env })
    const ignore = () => {}
    const pass = () => child.kill('SIGTERM')
    process.on('SIGINT', ignore)
    process.on('SIGTERM', pass)
    child.on('error', (error) => fail(`Node 24 did not start: ${error.message}. Remove node_modules and try again.`))
    child.on('exit', (code, signal) => {
      process.off('SIGINT', ignore)
      process.off('SIGTERM', pass)
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143))
    })
  })
}

function say(text) {
  process.stderr.write(`${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}
