import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'

describe('a table on standard output', () => {
  it('may have more rows than a function takes arguments', async () => {
    const program = `import { printRows } from '${import.meta.dirname}/output.ts'
      printRows(Array.from({ length: 300_000 }, (_, number) => ({ number })), {})`
    const words = ['--input-type=module-typescript', '--eval', program]
    const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 16 * 1024 * 1024 })
    expect(stdout.trimEnd().split('\n').at(-1)).to.equal('299999')
  })
})
