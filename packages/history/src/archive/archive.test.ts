import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { anEvent } from '@tributary/event-log/testing'
import { ORDER_TOPIC, type StoredEvent } from '@tributary/events'
import { migratedTestDatabase } from '@tributary/test/servers'
import { type KeyRow, openVault } from '@tributary/vault'
import { expect } from 'chai'
import { archivedPartitions, asOnlyWriter, exportKeys, exportLog, restoreKeys, restoreLog } from '../index.ts'
import { readKeyFile, writeKeyFile } from './keys.ts'
import { emptyPositions, readManifest } from './manifest.ts'

type Place = { database: Database; log: EventLog; close(): Promise<void> }

describe('an archive of the log', () => {
  let folder: string
  let source: Place
  let target: Place
  const { signal } = new AbortController()
  const topics = [ORDER_TOPIC]

  async function openPlace(partitions = 3): Promise<Place> {
    const { url, database, drop } = await migratedTestDatabase('archive')
    const log = await openEventLog({ url, database, partitions })
    return {
      database,
      log,
      close: async () => {
        await log.close()
        await drop()
      },
    }
  }
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-archive-'))
    ;[source, target] = await Promise.all([openPlace(), openPlace()])
    await source.log.append(ORDER_TOPIC, events(200))
  })
  afterEach(async () => {
    await Promise.all([source.close(), target.close()])
    await rm(folder, { recursive: true, force: true })
  })

  const content = async ({ log }: Place) => {
    const all: StoredEvent[][] = []
    for (const [partition, end] of (await log.ends(ORDER_TOPIC)).entries())
      all.push((await log.read(ORDER_TOPIC, partition, 0, { limit: end + 1 })).events.map(({ event }) => event))
    return all
  }

  it('makes a log again that is equal, event by event and place by place', async () => {
    await exportLog({ log: source.log, topics, folder, signal })
    const restored = await restoreLog({ log: target.log, folder, signal })
    expect(restored).to.deep.equal({ events: 200, appended: 200, partitions: 3 })
    expect(await content(target)).to.deep.equal(await content(source))
  })

  it('is brought up to date by another export, which writes nothing twice', async () => {
    const first = await exportLog({ log: source.log, topics, folder, signal })
    await source.log.append(ORDER_TOPIC, events(50))
    const told: number[] = []
    const second = await exportLog({ log: source.log, topics, folder, signal, onProgress: ({ total }) => told.push(total) })
    expect(second.segments.slice(0, first.segments.length)).to.deep.equal(first.segments)
    expect(new Set(told)).to.deep.equal(new Set([50]))
    await restoreLog({ log: target.log, folder, signal })
    expect(await content(target)).to.deep.equal(await content(source))
  })

  it('goes on with a restore that was interrupted', async () => {
    await exportLog({ log: source.log, topics, folder, signal })
    const stopping = new AbortController()
    const interrupted = restoreLog({ log: target.log, folder, signal: stopping.signal, onProgress: () => stopping.abort() })
    expect(await interrupted.catch((error: Error) => error.name)).to.equal('AbortError')
    const { appended, events: all } = await restoreLog({ log: target.log, folder, signal })
    expect(appended).to.be.greaterThan(0).and.below(all)
    expect(await content(target)).to.deep.equal(await content(source))
  })

  const refusal = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      ({ code }: { code: string }) => code,
    )

  it('is refused when a file was changed or is missing, before anything of it is appended', async () => {
    const { segments } = await exportLog({ log: source.log, topics, folder, signal })
    const file = join(folder, segments[0]?.file ?? '')
    const whole = await readFile(file)
    const broken = Buffer.from(whole)
    broken[broken.length - 9] = (broken[broken.length - 9] ?? 0) ^ 1
    await writeFile(file, broken)
    expect(await refusal(restoreLog({ log: target.log, folder, signal }))).to.equal('HISTORY_ARCHIVE_BROKEN')
    await rm(file)
    expect(await refusal(restoreLog({ log: target.log, folder, signal }))).to.equal('HISTORY_ARCHIVE_BROKEN')
    expect((await content(target)).flat()).to.deep.equal([])
    expect(await refusal(restoreLog({ log: target.log, folder: join(folder, 'none'), signal }))).to.equal(
      'HISTORY_ARCHIVE_INVALID',
    )
  })

  it('says where it cannot be written, also where folders can never be made', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    for (const wrong of ['/proc/tributary/archive', join(file, 'archive')]) {
      const error: Error = await exportLog({ log: source.log, topics, folder: wrong, signal }).then(
        () => expect.fail('It was written.'),
        (thrown: Error) => thrown,
      )
      expect(error).to.have.property('code', 'HISTORY_ARCHIVE_UNWRITABLE')
      expect(error.message).to.include(wrong)
    }
  })

  it('is written by one export at a time, because two would spoil the files of each other', async () => {
    const work = () => exportLog({ log: source.log, topics, folder, signal })
    const refused = await asOnlyWriter(source.database, folder, async () => {
      const other = await asOnlyWriter(source.database, `${folder}-other`, async () => 'written')
      expect(other).to.equal('written')
      return await refusal(asOnlyWriter(source.database, folder, work))
    })
    expect(refused).to.equal('HISTORY_ARCHIVE_BUSY')
    await asOnlyWriter(source.database, folder, work)
    expect(await archivedPartitions(folder)).to.equal(3)
  })

  it('is not continued from a log that has another history, nor by one that lacks what it holds', async () => {
    await exportLog({ log: source.log, topics, folder, signal })
    const manifest = await readFile(join(folder, 'manifest.json'), 'utf8')
    const refused = async ({ log }: Place) => {
      const error: Error = await exportLog({ log, topics, folder, signal }).then(
        () => expect.fail('It was written.'),
        (thrown: Error) => thrown,
      )
      expect(error).to.have.property('code', 'HISTORY_ARCHIVE_DIFFERS')
      expect(await readFile(join(folder, 'manifest.json'), 'utf8')).to.equal(manifest)
      return error.message
    }
    expect(await refused(target))
      .to.include(folder)
      .and.include('the log ends at 0')
    // As two imports of one existing system have it: the same ids, and other content.
    const same = (await content(source)).flat().map((event) => ({ ...event, data: JSON.stringify({ other: event.id }) }))
    await target.log.append(ORDER_TOPIC, same)
    await target.log.append(ORDER_TOPIC, events(50))
    expect(await refused(target)).to.include('is another one in the log')
    const other = await openPlace(4)
    expect(await refused(other).finally(other.close)).to.include('has 3 partitions in it and 4 in the log')
  })

  it('tells how many positions it has no event of, as when a log let go of some before they were exported', async () => {
    expect(emptyPositions(await exportLog({ log: source.log, topics, folder, signal }))).to.equal(0)
    const [end = 0] = await source.log.ends(ORDER_TOPIC)
    await source.log.append(ORDER_TOPIC, events(200))
    await source.database.query('DELETE FROM tributary_log_event WHERE partition_no = 0 AND position < ?', [end + 3])
    expect(emptyPositions(await exportLog({ log: source.log, topics, folder, signal }))).to.equal(3)
  })

  it('of an export that did not come to its end says so when it is restored, until the export has gone on', async () => {
    const stopping = new AbortController()
    const interrupted = exportLog({
      log: source.log,
      topics,
      folder,
      signal: stopping.signal,
      onProgress: () => stopping.abort(),
    })
    expect(await interrupted.catch((error: Error) => error.name)).to.equal('AbortError')
    expect(await restoreLog({ log: target.log, folder, signal })).to.have.property('unfinished', true)
    await exportLog({ log: source.log, topics, folder, signal })
    expect(await restoreLog({ log: target.log, folder, signal }))
      .to.deep.include({ events: 200 })
      .and.not.have.property('unfinished')
  })

  it('never mixes with what a log holds already, nor changes the number of its partitions', async () => {
    await exportLog({ log: source.log, topics, folder, signal })
    await target.log.append(ORDER_TOPIC, events(30))
    expect(await refusal(restoreLog({ log: target.log, folder, signal }))).to.equal('HISTORY_TARGET_NOT_EMPTY')
    expect((await content(target)).flat()).to.have.length(30)
    const other = await openPlace(4)
    expect(await refusal(restoreLog({ log: other.log, folder, signal })).finally(other.close)).to.equal(
      'HISTORY_TARGET_NOT_EMPTY',
    )
  })

  it('carries the data keys when told to, so that its seals open elsewhere, and destroyed ones stay destroyed', async () => {
    const masterKeys = [randomBytes(32)]
    const vault = await openVault({ database: source.database, masterKeys })
    const [alive, gone, later] = ['alive', 'gone', 'later'].map((id) => vault.subject('person', id)) as [string, string, string]
    const sealed = await vault.seal(
      [alive, gone, later].map((subject) => ({ subject, eventId: 'e', holder: 'h', plaintext: 'secret' })),
    )
    const items = [alive, gone, later].map((subject, index) => {
      const outcome = sealed[index]
      return { subject, eventId: 'e', jwe: outcome?.kind === 'sealed' ? outcome.jwe : '' }
    })
    await vault.destroy(gone)
    await exportLog({ log: source.log, topics, folder, signal })
    expect(await exportKeys(source.database, folder)).to.equal(3)
    const manifest = await readManifest(folder)
    expect(manifest?.keys?.keys).to.equal(3)

    expect(await restoreKeys(target.database, folder)).to.equal(3)
    const elsewhere = await openVault({ database: target.database, masterKeys })
    expect((await elsewhere.open(items)).map(({ kind }) => kind)).to.deep.equal(['opened', 'erased', 'opened'])
    expect(elsewhere.subject('person', 'alive')).to.equal(alive)
    await elsewhere.destroy(later)
    await restoreKeys(target.database, folder)
    const again = await openVault({ database: target.database, masterKeys })
    expect((await again.open(items)).map(({ kind }) => kind)).to.deep.equal(['opened', 'erased', 'erased'])
    expect((await again.destroy(alive)).holders).to.deep.equal(['h'])
  })

  it('keeps the keys of the export before while it is written anew, and none of them afterwards', async () => {
    const vault = await openVault({ database: source.database, masterKeys: [randomBytes(32)] })
    await vault.seal([{ subject: vault.subject('person', 'one'), eventId: 'e', plaintext: 'secret' }])
    await exportLog({ log: source.log, topics, folder, signal })
    await exportKeys(source.database, folder)
    // As one leaves it that is killed before it can say so in the manifest.
    await writeKeyFile(folder, 'keys-1.jsonl.gz', [])
    expect(await restoreKeys(target.database, folder)).to.equal(1)
    await exportKeys(source.database, folder)
    const files = (await readdir(folder)).filter((name) => name.startsWith('keys'))
    expect(files).to.deep.equal([(await readManifest(folder))?.keys?.file])
  })

  it('has its keys written as they are read, however many there are', async () => {
    const rows = Array.from({ length: 200 }, (_, index): KeyRow => {
      return { kind: 'holder', subject: String(index), holder: randomBytes(45_000).toString('base64') }
    })
    let writtenBefore = 0
    async function* given() {
      for (const [index, row] of rows.entries()) {
        if (index === 150) writtenBefore = (await stat(join(folder, 'keys.jsonl.gz.partial'))).size
        yield row
      }
    }
    const file = await writeKeyFile(folder, 'keys.jsonl.gz', given())
    expect(writtenBefore).to.be.above(1_000_000)
    const read: KeyRow[] = []
    for await (const row of readKeyFile(folder, file)) read.push(row)
    expect(read).to.deep.equal(rows)
  })
})

function events(count: number): StoredEvent[] {
  return Array.from({ length: count }, (_, index) =>
    anEvent({ partitionkey: `key-${index % 20}`, data: JSON.stringify({ number: index, text: '🎁 漢字\n' }) }),
  )
}
