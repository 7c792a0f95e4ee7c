import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Configuration } from '../../configuration.ts'
import type { Environment } from '../document.ts'
import { ConfigurationError } from '../error.ts'
import { loadConfiguration } from '../load.ts'

export const password = randomBytes(9).toString('hex')
export const token = randomBytes(24).toString('base64url')
export const masterKey = randomBytes(32)
/** All that a configuration cannot do without. */
export const environment: Environment = {
  TRIBUTARY_DATABASE_URL: `mysql://tributary:${password}@db.example:3306/hub`,
  TRIBUTARY_MASTER_KEY: masterKey.toString('base64'),
  EBAY_CHALLENGE_TOKEN: token,
}

/** A folder of its own for each test, in which its configuration files stand. */
export function yamlFiles() {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-configuration-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  async function load(yaml: string, variables: Environment = environment): Promise<Configuration> {
    const file = join(folder, 'tributary.yaml')
    await writeFile(file, yaml)
    return loadConfiguration({ file, environment: variables })
  }

  return {
    folder: () => folder,
    load,
    /** Why a file is not accepted. */
    async refusal(yaml: string, variables: Environment = environment): Promise<ConfigurationError> {
      try {
        await load(yaml, variables)
      } catch (error) {
        expect(error).to.be.instanceOf(ConfigurationError)
        return error as ConfigurationError
      }
      throw new Error('the configuration was accepted')
    },
  }
}
