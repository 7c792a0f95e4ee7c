import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { becomeOwner } from './owner.ts'
import { type NewEntry, openSpoolFile, type SpoolFile } from './spool-file.ts'

describe('the file of the spool', () => {
  let folder: string
  let file: SpoolFile
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-spool-'))
    file = openSpoolFile(folder, { maxBytes: 1024 * 1024 })
  })
  afterEach(async () => {
    file.close()
    await rm(folder, { recursive: true, force: true })
  })
  const entry = (identity: string, sealed = `sealed ${identity}`): NewEntry => ({
    identity,
    kind: 'notification',
    sealed,
    receivedTime: 1_767_225_600_000,
  })
  const put = (...identities: string[]) => file.put(identities.map((identity) => entry(identity)))
  const first = () => file.first(100, 1_000_000).map(({ identity }) => identity)

  it('gives back what it keeps in the order in which it came, also to another process', () => {
    put('b', 'c')
    put('a')
    file.close()
    file = openSpoolFile(folder)
    expect(first()).to.deep.equal(['b', 'c', 'a'])
    expect(file.first(1, 1_000_000)).to.have.length(1)
    expect(file.first(100, 10), 'one entry however large').to.have.length(1)
  })

  it('keeps the same thing once', () => {
    put('a', 'a')
    put('a')
    expect(file.figures()).to.deep.equal({ waiting: 1, bytes: 8, oldestTime: 1_767_225_600_000, setAside: 0 })
  })

  it('refuses what is beyond its bound, all of it, and takes as much again once something is gone', () => {
    const large = (identity: string) => entry(identity, 'x'.repeat(100_000))
    const fill = () => {
      for (let number = 0; ; number += 1) file.put([large(`${number}`), large(`${number}b`)])
    }
    expect(fill).to.throw().with.property('code', 'SPOOL_FULL')
    const { waiting } = file.figures()
    expect(waiting).to.be.within(8, 10)
    expect(waiting % 2, 'half of what was put together').to.equal(0)
    file.remove(file.first(100, 250_000).map(({ id }) => id))
    file.put([large('later'), large('later too')])
    expect(file.figures()).to.include({ waiting })
  })

  it('lets the others pass by what is set aside, and puts it first when it is tried again', () => {
    put('a', 'b')
    const [a] = file.first(1, 1_000_000)
    file.setAside(a?.id ?? 0, 'EVENT_INVALID: for a test')
    expect(first()).to.deep.equal(['b'])
    expect(file.figures()).to.include({ waiting: 1, bytes: 8, setAside: 1 })
    expect(file.listSetAside()).to.have.length(1)
    expect(file.listSetAside()[0]).to.include({ id: a?.id, reason: 'EVENT_INVALID: for a test' })
    file.remove(file.first(1, 1_000_000).map(({ id }) => id))
    expect(file.isEmpty()).to.equal(true)
    expect(file.retry((a?.id ?? 0) + 1)).to.equal(0)
    put('c')
    expect(file.retry()).to.equal(1)
    expect(first()).to.deep.equal(['a', 'c'])
    expect(file.figures()).to.include({ waiting: 2, bytes: 16, setAside: 0 })
  })

  it('leaves nothing on the disk of what is removed', async () => {
    put('a')
    file.remove(file.first(1, 1_000_000).map(({ id }) => id))
    for (const name of ['spool.sqlite', 'spool.sqlite-wal'])
      expect((await readFile(join(folder, name))).includes('sealed a'), name).to.equal(false)
  })

  it('belongs to one process, until that lets go', async () => {
    const letGo = await becomeOwner(folder)
    const second = await becomeOwner(folder, 0).catch((error: unknown) => error)
    expect(second).to.include({ code: 'SPOOL_IN_USE', retriable: false })
    letGo()
    ;(await becomeOwner(folder, 0))()
  })
})
