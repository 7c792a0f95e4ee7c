import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { operatorName } from './operator-name.ts'

describe('the name of who runs a command', () => {
  it('is that of the account', () => {
    expect(operatorName()).to.equal(userInfo().username)
  })

  it('is a number where the system has no name, as in a container that runs as any user', async function () {
    if (process.getuid?.() !== 0) this.skip()
    const script = `import { operatorName } from '${import.meta.dirname}/operator-name.ts'
      console.log(operatorName())`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', script], {
      uid: 54_321,
    })
    expect(stdout).to.equal('uid 54321\n')
  })
})
