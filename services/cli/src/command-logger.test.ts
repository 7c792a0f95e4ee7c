import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'

describe('what a command is told by the services that it uses', () => {
  it('goes to standard error, beside the result, and is a warning at least', async () => {
    const program = `import { commandLogger } from '${import.meta.dirname}/command-logger.ts'
      const logger = commandLogger({ logging: { level: 'info', format: 'json' } })
      logger.info('progress')
      logger.warn('trouble')
      console.log('result')`
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--input-type=module-typescript',
      '--eval',
      program,
    ])
    expect(stdout).to.equal('result\n')
    expect(stderr.split('\n').filter((line) => line.startsWith('{'))).to.have.length(1)
    expect(stderr).to.include('trouble')
  })
})
