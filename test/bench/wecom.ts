import { execFile } from 'node:child_process'
import { createDecipheriv, hash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { callbackSecrets, receiveCallback } from '@tributary/wecom'
import { createCorp, createWecomSimulator, signedRequest, type WecomSimulator, xmlOf } from '../simulators/wecom/index.ts'
import { type Benchmark, inTurns, perSecond, type Row, rate } from './benchmark.ts'
import { benchDatabase } from './server.ts'
import { callbackAnswers } from './wecom-callbacks.ts'

const CALLBACKS = 20_000
const ROUNDS = 3
const MEMBERS = 100_000
const DEPARTMENTS = 5_000

/**
 * Callbacks of WeCom opened, verified and parsed a second, against their ciphers alone; the slowest of a thousand answers (99.9th percentile) at
 * 200 a second while every projection keeps up with them, against a server that only answers; and a directory of 100,000 members read into
 * an empty log, against reading the same lists and doing nothing with them.
 */
export const benchmark: Benchmark = {
  name: 'wecom',
  async run() {
    const wecom = await createWecomSimulator()
    try {
      return [await openingRate(wecom), ...(await callbackAnswers(wecom)), ...(await readingRates(wecom))]
    } finally {
      await wecom.close()
    }
  },
}

/** A member with every field that WeCom gives. */
const member = {
  UserID: 'wo'.padEnd(32, 'u'),
  OpenUserID: 'wo'.padEnd(32, 'u'),
  Name: '张三',
  Department: '1,2,3',
  MainDepartment: '2',
  IsLeaderInDept: '0,1,0',
  DirectLeader: 'wo'.padEnd(32, 'v'),
  Mobile: '13800000000',
  Position: '产品经理',
  Gender: '1',
  Email: 'zhangsan@example.test',
  Avatar: 'https://example.test/avatar/0',
}

async function openingRate(wecom: WecomSimulator): Promise<Row> {
  const { selfBuilt } = wecom
  const access = wecom.access('http://unused', 'bench', 'self-built')
  const secrets = callbackSecrets(access.token, access.encodingAesKey)
  const { query, body, encrypted } = signedRequest(access, xmlOf(wecom.change(selfBuilt, 'create_user', member)))
  const signed = {
    signature: query.get('msg_signature') ?? '',
    timestamp: query.get('timestamp') ?? '',
    nonce: query.get('nonce') ?? '',
  }
  const bytes = Buffer.from(body)
  const { ours, bare } = await inTurns(ROUNDS, {
    ours: () =>
      perSecond(CALLBACKS, async () => {
        for (let count = 0; count < CALLBACKS; count += 1)
          receiveCallback(secrets, { query: signed, body: bytes }, { receiveIds: [access.receiveId] })
      }),
    bare: () =>
      perSecond(CALLBACKS, async () => {
        for (let count = 0; count < CALLBACKS; count += 1) {
          hash('sha1', [access.token, signed.timestamp, signed.nonce, encrypted].sort().join(''), 'hex')
          const decipher = createDecipheriv('aes-256-cbc', secrets.key.key, secrets.key.iv).setAutoPadding(false)
          Buffer.concat([decipher.update(Buffer.from(encrypted, 'base64')), decipher.final()]).toString('utf8')
        }
      }),
  })
  return rate('wecom: opened, verified, parsed', 'callbacks/s', ours, bare)
}

/** The reader runs in a process of its own, so that its memory is told apart from that of the simulated directory. */
async function readingRates(wecom: WecomSimulator): Promise<Row[]> {
  const { departments, members } = createCorp({ seed: 7, departments: DEPARTMENTS, members: MEMBERS })
  const { selfBuilt } = wecom
  for (const department of departments.values()) selfBuilt.departments.set(department.id, department)
  for (const one of members.values()) selfBuilt.members.set(one.userid, one)
  selfBuilt.changed()
  const { url, drop } = await benchDatabase('wecom_reading')
  try {
    const run = promisify(execFile)
    const script = join(import.meta.dirname, 'wecom-reading.ts')
    const input = JSON.stringify({ url, masterKey: randomBytes(32).toString('hex'), customer: wecom.customer })
    const { stdout } = await run(process.execPath, ['--expose-gc', script], { env: { ...process.env, BENCH_INPUT: input } })
    const { seconds, bareSeconds, early, late } = JSON.parse(stdout) as Record<string, number>
    const all = MEMBERS + DEPARTMENTS
    return [
      rate('wecom: directory read into the log', 'entries/s', all / (seconds ?? 1), all / (bareSeconds ?? 1)),
      {
        name: 'wecom: memory at the end of that',
        value: late ?? 0,
        unit: 'MB',
        ceiling: early ?? 0,
        ratio: (early ?? 0) / (late ?? 1),
      },
    ]
  } finally {
    await drop()
  }
}
