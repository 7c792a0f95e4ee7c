import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { openDatabase } from '@tributary/database'
import { openEventLog, readSlices } from '@tributary/event-log'
import { CONTACT_TOPIC, ORDER_TOPIC } from '@tributary/events'
import type { Comparison } from '@tributary/history'
import { expect } from 'chai'
import { runCommand, startProgram } from './gateway/command.ts'
import { eventually } from './gateway/eventually.ts'
import { type ImportStage, openImportStage } from './gateway/import-stage.ts'

type Row = Record<string, unknown>
type Data = { rowId?: number; rowIds?: { order?: number; member?: number } }
type Report = { appended: number; misfits: Record<string, number>; comparisons: Comparison[] }

const CORP = 'wpKilled'
const TIME = 1_700_000_000_000
/** An import takes 200 rows at a time. */
const MANY = 450

describe('an import that is killed midway', function () {
  this.timeout(90_000)
  let stage: ImportStage
  before(async () => {
    stage = await openImportStage('killed', { corp: CORP, services: ['projector'] })
  })
  after(() => stage.close())

  const insert = async (table: string, rows: readonly Row[]) => {
    const columns = Object.keys(rows[0] ?? {})
    const values = rows.map((row) => columns.map((column) => row[column]))
    await stage.old.database.query('INSERT INTO ?? (??) VALUES ?', [table, columns, values])
  }
  const importing = (kind: string) => [
    'import',
    kind,
    ...(kind === 'wework' ? ['--corp', CORP] : []),
    '--from-file',
    '-',
    '--json',
  ]

  /**
   * Imports until the first row of `table` is written for which `condition` is true, and kills the process while the server
   * is at that very row: a trigger waits there for a lock that the test has.
   */
  async function importUntilKilled(kind: string, table: string, condition: string): Promise<void> {
    const holder = openDatabase(stage.ours.url, { connections: 1 })
    await holder.query("SELECT GET_LOCK(CONCAT(DATABASE(), ' kill'), 0)")
    await holder.query(
      `CREATE TRIGGER kill_here BEFORE INSERT ON ${table} FOR EACH ROW
       BEGIN IF ${condition} THEN DO GET_LOCK(CONCAT(DATABASE(), ' kill'), 300); END IF; END`,
    )
    const child = startProgram(importing(kind), stage.environment)
    child.stdout.resume()
    const errors = text(child.stderr)
    const exited = once(child, 'exit')
    child.stdin.end(stage.old.url)
    try {
      const session = await eventually('the import is at the row', async () => {
        if (child.exitCode !== null) throw new Error(await errors)
        const [waiting] = await holder.query<{ id: number }[]>(
          "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state = 'User lock'",
        )
        return waiting?.id
      })
      child.kill('SIGKILL')
      expect(await exited).to.deep.equal([null, 'SIGKILL'])
      // What the server still does for the dead process ends as it does when a machine is gone: nobody commits it.
      await holder.query('KILL ?', [session])
      await eventually('the session has gone', async () => {
        const left = await holder.query('SELECT id FROM information_schema.processlist WHERE id = ?', [session])
        return left.length === 0
      })
    } finally {
      child.kill('SIGKILL')
      await holder.query("DO RELEASE_LOCK(CONCAT(DATABASE(), ' kill'))")
      await holder.query('DROP TRIGGER kill_here')
      await holder.close()
    }
  }

  async function importToTheEnd(kind: string): Promise<Report> {
    const { code, output, errors } = await runCommand(importing(kind), { environment: stage.environment, input: stage.old.url })
    expect(code, errors + output).to.equal(0)
    return JSON.parse(output)
  }

  /** The ids of rows that the events of a type bring, one for each event, sorted. */
  async function idsOf(topic: string, type: string, idOf: (data: Data) => number | undefined): Promise<unknown[]> {
    const log = await openEventLog({ url: stage.ours.url, database: stage.ours.database, partitions: 8 })
    const ids: unknown[] = []
    for (const [partition] of (await log.ends(topic)).entries())
      for await (const { events } of readSlices(log, topic, partition))
        for (const { event } of events) if (event.type === type) ids.push(idOf(JSON.parse(event.data)))
    await log.close()
    return ids.sort()
  }
  const idsFrom = (first: number) => numbers.map((number) => first + number)
  const unequal = ({ comparisons }: Report) => comparisons.filter(({ rows, equal }) => rows !== equal)

  it('brings each seller over once', async () => {
    await insert('eg_order_app_seller', sellers())
    await importUntilKilled('sellers', 'tributary_import', "NEW.kind = 'sellers'")
    await importUntilKilled('sellers', 'tributary_log_event', `NEW.data LIKE '%"rowId":1300,%'`)
    const report = await importToTheEnd('sellers')
    // The first page was in the log when its process died, and the second was not.
    expect(report.appended).to.equal(MANY - 200)
    expect(await idsOf(ORDER_TOPIC, 'SellerAuthorized', ({ rowId }) => rowId)).to.deep.equal(idsFrom(1_000))
    expect(unequal(report)).to.deep.equal([])
  })

  it('brings each order over once', async () => {
    await insertOrders()
    await importUntilKilled('orders', 'tributary_import', "NEW.kind = 'orders'")
    await importUntilKilled('orders', 'tributary_log_event', `NEW.data LIKE '%"order":10300,%'`)
    const report = await importToTheEnd('orders')
    expect(report.appended).to.equal(MANY - 200)
    expect(await idsOf(ORDER_TOPIC, 'OrderReceived', ({ rowIds }) => rowIds?.order)).to.deep.equal(idsFrom(10_000))
    expect(unequal(report)).to.deep.equal([])
  })

  it('brings each member of a directory over once', async () => {
    await insertMembers()
    await importUntilKilled('wework', 'tributary_import', "NEW.kind = 'eg_wework_member'")
    await importUntilKilled('wework', 'tributary_log_event', `NEW.data LIKE '%"member":50300,%'`)
    const report = await importToTheEnd('wework')
    expect(report).to.deep.include({ appended: MANY - 200, misfits: {} })
    expect(await idsOf(CONTACT_TOPIC, 'ContactChanged', ({ rowIds }) => rowIds?.member)).to.deep.equal(idsFrom(50_000))
    expect(unequal(report)).to.deep.equal([])
  })

  const audit = (deleted = 0) => ({ create_by: 'operator', create_time: TIME, update_by: 'job', update_time: TIME, deleted })
  const numbers = Array.from({ length: MANY }, (_, number) => number)

  const sellers = (): Row[] =>
    numbers.map((number) => ({
      ...{
        id: 1_000 + number,
        channel: 1,
        seller_id: `shop-${number}`,
        order_app_id: 1,
        region: 'DE',
        spi_server_codes: 'books',
      },
      ...{ refresh_token: `existing-${number}`, refresh_token_expires_in: 47_304_000, refresh_token_expires_time: TIME + 1e9 },
      ...audit(),
    }))

  async function insertOrders(): Promise<void> {
    const digest = 'a'.repeat(32)
    await insert(
      'eg_order_order',
      numbers.map((number) => ({
        ...{ id: 10_000 + number, channel: 1, order_app_seller_id: '1000', order_id: `12-${number}`, status: 'SHIPPED' },
        ...{ buyer_id: `buyer-${number % 40}`, seller_id: 'shop-0', original_md5: digest, last_modified_date_time: TIME },
        ...audit(),
      })),
    )
    await insert(
      'eg_order_order_detail',
      numbers.map((number) => ({
        ...{ id: 20_000 + number, order_id: 10_000 + number, line_item_id: `${number}-1`, quantity: 2, title: '线', sku: 'S' },
        ...audit(),
      })),
    )
    await insert(
      'eg_order_order_original',
      numbers.map((number) => ({ id: 40_000 + number, order_id: 10_000 + number, original: `{"n":${number}}`, ...audit() })),
    )
  }

  async function insertMembers(): Promise<void> {
    await insert(
      'eg_wework_member',
      numbers.map((number) => ({
        id: 50_000 + number,
        user_id: `user${number}`,
        name: '名',
        enable: 1,
        to_invite: 1,
        ...audit(),
      })),
    )
    await insert(
      'eg_wework_member_dept',
      numbers.map((number) => ({ id: 60_000 + number, user_id: `user${number}`, name: '名', dept_id: 1, ...audit() })),
    )
  }
})
