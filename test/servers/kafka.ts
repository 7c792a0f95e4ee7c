import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findExecutable, freePort } from './machine.ts'
import { until, waitFor } from './until.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')
const POM = join(import.meta.dirname, 'kafka/pom.xml')
const LOGGING = join(import.meta.dirname, 'kafka/log4j2.properties')
/** Kafka wants 16 random bytes as base64url; one broker alone needs no other cluster to be told from. */
const CLUSTER = 'dHJpYnV0YXJ5LXRlc3RzLQ'

/** A private Apache Kafka broker: one node, its own controller or in the cluster of another, own data folder, own ports on loopback. */
export type PrivateBroker = {
  /** `kafka://127.0.0.1:port`. */
  url: string
  port: number
  /** Its number in its cluster. */
  nodeId: number
  /** Where its cluster has its controller. */
  controllerPort: number
  /** Ends the broker as an operator would, and waits. */
  stop(): Promise<void>
  /** SIGKILL, and waits. */
  kill(): Promise<void>
  /** Starts it again on its data and its port, after `stop` or `kill`. */
  restart(): Promise<void>
}

/** Listeners beside the plain one, which stays for the broker itself and for whoever makes users and topics. */
export type MoreListeners = {
  listeners: readonly { name: string; protocol: 'SSL' | 'SASL_SSL'; port: number }[]
  /** Lines of `server.properties`. */
  properties: readonly string[]
  /** What the making of the data folder and the Java machine are told besides. */
  format: readonly string[]
  java: readonly string[]
}

/** A shell ends the broker when we end, however we end: it reads a pipe that closes with us. */
const SUPERVISOR = `
  exec 3<&0
  "$@" 3<&- & server=$!
  { read -r word <&3; kill -TERM $server 2> /dev/null; } &
  exec 3<&-
  wait $server
`

/**
 * Starts a broker on an emptied folder. Its jars come from Maven Central the first time and stay below `.local/`.
 * Throws with a sentence that names the fix when Java 17 or Maven is missing.
 */
export async function startKafka(options: {
  folder: string
  /** For a broker behind a relay: where it listens, and the port that it tells its clients. */
  ports?: { listening: number; advertised: number }
  more?: MoreListeners
  /** The first broker of the cluster that this one joins as its second. */
  joins?: PrivateBroker
}): Promise<PrivateBroker> {
  const java = needed('java', 'openjdk-17-jre-headless')
  const jars = await kafkaJars()
  const { folder, more, joins } = options
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const port = options.ports?.listening ?? (await freePort())
  const advertised = options.ports?.advertised ?? port
  const controllerPort = joins?.controllerPort ?? (await freePort())
  const nodeId = joins ? 2 : 1
  const properties = join(folder, 'server.properties')
  await writeFile(properties, propertiesOf({ folder, port, advertised, controllerPort, nodeId, more }))
  const javaOptions = [
    '-Xms256m',
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    `-Dlog4j2.configurationFile=${LOGGING}`,
    ...(more?.java ?? []),
    '-cp',
    join(jars, '*'),
  ]
  const format = ['format', ...(joins ? [] : ['--standalone']), '-t', CLUSTER, '-c', properties, ...(more?.format ?? [])]
  await run(java, [...javaOptions, 'kafka.tools.StorageTool', ...format])
  let child = await launch()

  async function launch(): Promise<ChildProcess> {
    const log = await open(join(folder, 'server.log'), 'a')
    const started = spawn('/bin/sh', ['-c', SUPERVISOR, 'supervisor', java, ...javaOptions, 'kafka.Kafka', properties], {
      stdio: ['pipe', log.fd, log.fd],
      detached: true,
    })
    started.stdin?.on('error', () => {})
    await log.close()
    await untilListening(started, port, join(folder, 'server.log'))
    return started
  }

  return {
    url: `kafka://127.0.0.1:${advertised}`,
    ...{ port, nodeId, controllerPort },
    stop: () => ended(child, port, () => child.stdin?.end()),
    kill: () => ended(child, port, () => void process.kill(-Number(child.pid), 'SIGKILL')),
    restart: async () => {
      child = await launch()
    },
  }
}

/** The folder with the broker's jars, brought by Maven once for each version of the list. */
async function kafkaJars(): Promise<string> {
  const list = await readFile(POM)
  const folder = join(ROOT, '.local/kafka', createHash('sha256').update(list).digest('hex').slice(0, 12))
  if (existsSync(folder)) return folder
  const maven = needed('mvn', 'maven')
  // Another worker may be at it, too: whoever is through first puts its folder in place whole.
  const arriving = `${folder}.${process.pid}`
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${arriving}`]
  await run(maven, ['-q', '-B', '-f', POM, ...goal], { maxBuffer: 64 * 1024 * 1024 }).catch((error: Error) => {
    throw new Error(`Maven could not bring the jars of Apache Kafka. Is Maven Central within reach? ${error.message}`)
  })
  await rename(arriving, folder).catch(async (error: unknown) => {
    if (!existsSync(folder)) throw error
    await rm(arriving, { recursive: true })
  })
  return folder
}

function needed(program: string, debianPackage: string): string {
  const found = findExecutable(program)
  if (found) return found
  throw new Error(`Apache Kafka needs ${program}, which is missing. Install it with: sudo apt-get install ${debianPackage}`)
}

type Place = { port: number; advertised: number; controllerPort: number; nodeId: number }

/** Others than the plain listener are told by name, because certificates are. */
function propertiesOf({
  folder,
  port,
  advertised,
  controllerPort,
  nodeId,
  more,
}: Place & { folder: string; more: MoreListeners | undefined }): string {
  const listeners = more?.listeners ?? []
  const at = (host: string) => listeners.map((one) => `,${one.name}://${host}:${one.port}`).join('')
  const isController = nodeId === 1
  const controller = isController ? `,CONTROLLER://127.0.0.1:${controllerPort}` : ''
  return `process.roles=broker${isController ? ',controller' : ''}
node.id=${nodeId}
controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port}${controller}${at('127.0.0.1')}
advertised.listeners=PLAINTEXT://127.0.0.1:${advertised}${controller}${at('localhost')}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${listeners.map(({ name, protocol }) => `,${name}:${protocol}`).join('')}
log.dirs=${join(folder, 'data')}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
message.max.bytes=20971520
socket.request.max.bytes=134217728
num.network.threads=2
num.io.threads=2
log.cleaner.enable=false
${(more?.properties ?? []).join('\n')}
`
}

async function untilListening(child: ChildProcess, port: number, log: string): Promise<void> {
  const tail = async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').slice(-12).join('\n')
  await waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`Apache Kafka ended at once. The end of ${log}:\n${await tail()}`)
      return await isListening(port)
    },
    { patience: 60_000, message: async () => `Apache Kafka does not answer. The end of ${log}:\n${await tail()}` },
  )
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => socket.destroy(resolve(true) as undefined))
    socket.once('error', () => resolve(false))
  })
}

/** The shell may be gone before the broker is: its port tells. */
async function ended(child: ChildProcess, port: number, end: () => void): Promise<void> {
  if (child.exitCode === null && child.signalCode === null)
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
      end()
    })
  await until(`port ${port} is free`, async () => !(await isListening(port)))
}
