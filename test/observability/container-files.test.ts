import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, copyFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { loadConfiguration } from '@tributary/runtime/configuration'
import { Ajv } from 'ajv'
import { expect } from 'chai'
import { parseDocument } from 'yaml'
import { SERVICE_NAMES } from '../../services/cli/src/services.ts'

const ROOT = join(import.meta.dirname, '../..')
const DOCKER = join(ROOT, 'docker')
const read = (path: string) => readFile(join(ROOT, path), 'utf8')

type Service = {
  image: string
  profiles?: string[]
  ports?: string[]
  volumes?: string[]
  environment?: Record<string, string>
  secrets?: string[]
  command?: string[]
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
}
type Compose = {
  services: Record<string, Service>
  volumes: Record<string, unknown>
  configs: Record<string, { file: string }>
  secrets: Record<string, { file: string }>
}

describe('the files of the containers', () => {
  let compose: Compose
  before(async () => {
    compose = parseDocument(await read('docker/compose.yaml'), { merge: true }).toJS()
  })
  const isOurs = ({ image }: Service) => image.startsWith('tributary:')

  it('are YAML and JSON without a key that stands twice', async () => {
    const files = (await readdir(DOCKER, { recursive: true })).filter((file) => /\.(yaml|json)$/.test(file))
    expect(files).to.not.have.length(0)
    for (const file of files) {
      const { errors } = parseDocument(await readFile(join(DOCKER, file), 'utf8'), { merge: true, uniqueKeys: true })
      expect(errors, file).to.deep.equal([])
    }
  })

  it('compose as the specification of Compose says', async () => {
    const schemaFile = join(dirname(fileURLToPath(import.meta.resolve('dclint/package.json'))), 'schemas/compose.schema.json')
    const { $schema: _, ...schema } = JSON.parse(await readFile(schemaFile, 'utf8')) as Record<string, unknown>
    const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false })
    const isValid = ajv.validate(schema, compose)
    expect(ajv.errorsText(), ajv.errorsText()).to.equal('No errors')
    expect(isValid).to.equal(true)
  })

  it('name one version of every image', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      if (!isOurs(service)) expect(service.image, name).to.match(/:v?\d+\.\d+\.\d+(-[\w.-]+)?$/)
    }
  })

  it('mount what is there', async () => {
    const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(':')[0] ?? ''),
    )
    const files = [...mounted.filter((from) => from.startsWith('.')), ...Object.values(compose.configs).map(({ file }) => file)]
    for (const file of files) await access(join(DOCKER, file))
    for (const name of mounted.filter((from) => !from.startsWith('.'))) expect(compose.volumes).to.have.property(name)
  })

  it('open nothing but to this machine, and give our services no more rights than they need', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      for (const port of service.ports ?? []) expect(port, name).to.match(/^127\.0\.0\.1:/)
      if (!isOurs(service)) continue
      expect(service, name).to.deep.include({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
    }
  })

  it('hold no secret, and make those that they ask for once', async () => {
    for (const [name, { environment = {} }] of Object.entries(compose.services)) {
      for (const [key, value] of Object.entries(environment))
        if (/PASSWORD|SECRET|KEY|TOKEN/.test(key))
          expect(String(value), `${name} ${key}`).to.match(/^\/run\/secrets\/|^\$\{\w+:-\}$/)
    }
    const folder = await mkdtemp(join(tmpdir(), 'tributary-secrets-'))
    try {
      const script = join(folder, 'make-secrets.sh')
      await copyFile(join(DOCKER, 'make-secrets.sh'), script)
      await promisify(execFile)('sh', [script])
      const made = async () => {
        const files = (await readdir(join(folder, 'secrets'))).sort()
        return Promise.all(files.map(async (file) => [file, await readFile(join(folder, 'secrets', file), 'utf8')]))
      }
      const first = await made()
      expect(first.map(([file]) => file)).to.deep.equal(Object.keys(compose.secrets).sort())
      await promisify(execFile)('sh', [script])
      expect(await made()).to.deep.equal(first)
      expect((await stat(join(folder, 'secrets'))).mode & (constants.S_IRWXG | constants.S_IRWXO)).to.equal(0)
      const inSecrets = (name: string) => join(folder, 'secrets', name)
      const configuration = await loadConfiguration({
        file: join(DOCKER, 'tributary.yaml'),
        environment: {
          TRIBUTARY_DATABASE_URL_FILE: inSecrets('database-url'),
          TRIBUTARY_MASTER_KEY_FILE: inSecrets('master-key'),
        },
      })
      expect(new URL(configuration.databaseUrl).host).to.equal('mysql:3306')
    } finally {
      await rm(folder, { recursive: true })
    }
    expect((await read('.gitignore')).split('\n')).to.include('docker/secrets/')
  })

  it('build from what is there, with the versions that the workspace names, and run as nobody special', async () => {
    const file = await read('docker/Dockerfile')
    const { packageManager, devDependencies } = JSON.parse(await read('package.json')) as {
      packageManager: string
      devDependencies: Record<string, string>
    }
    expect(file).to.include(`ARG NODE_VERSION=${devDependencies['node']}`).and.include(packageManager)
    expect(file).to.match(/^USER node$/m)
    // What is compiled at the build must be found by what runs, and nobody but root may have written it.
    const [made, used, ...more] = [...file.matchAll(/^ENV NODE_COMPILE_CACHE=(\S+)$/gm)].map(([, folder]) => folder)
    expect([made, ...more]).to.deep.equal([used])
    expect(file).to.include('chown --recursive root:root "$NODE_COMPILE_CACHE"')
    const kept = (await read('docker/Dockerfile.dockerignore')).split('\n').filter((line) => line.startsWith('!'))
    for (const line of kept) await access(join(ROOT, line.slice(1)))
    // A package that a folder or a patch of the workspace brings must be in the image as well.
    const workspace = parseDocument(await read('pnpm-workspace.yaml')).toJS() as {
      packages: string[]
      patchedDependencies?: Record<string, string>
    }
    const folders = workspace.packages.map((glob) => glob.split('/')[0] ?? '').filter((folder) => folder !== 'test')
    for (const folder of folders) expect(kept).to.include(`!${folder}`)
    const patches = new Set(Object.values(workspace.patchedDependencies ?? {}).map((path) => dirname(path)))
    for (const folder of patches) expect(file, 'pnpm fetch needs the patches').to.include(`COPY ${folder} ${folder}\n`)
  })

  it('scrape the services that compose runs, at the port that the image opens', async () => {
    const { scrape_configs: jobs } = parseDocument(await read('docker/prometheus/prometheus.yaml')).toJS() as {
      scrape_configs: { dns_sd_configs: { names: string[]; port: number }[] }[]
    }
    const targets = jobs.flatMap((job) => job.dns_sd_configs)
    const serving = Object.entries(compose.services).filter(
      ([, service]) => isOurs(service) && service.command?.[0] === 'serve',
    )
    expect(targets.flatMap(({ names }) => names).sort()).to.deep.equal(serving.map(([name]) => name).sort())
    const [, port] = /TRIBUTARY_METRICS_PORT=(\d+)/.exec(await read('docker/Dockerfile')) ?? []
    for (const target of targets) expect(String(target.port)).to.equal(port)
    expect(serving.map(([name]) => name).sort()).to.deep.equal([...SERVICE_NAMES].sort())
  })
})
