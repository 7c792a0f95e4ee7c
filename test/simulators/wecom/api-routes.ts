import { randomBytes } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import express, { type Request, type RequestHandler, type Response, Router } from 'express'
import type { SimulatedCorp } from './directory.ts'
import type { CallName, Fault, Faults } from './faults.ts'

/** One call that arrived; `errcode` is what it was answered, -2 when the answer was withheld or cut. */
export type CallRecord = { call: CallName; time: number; errcode: number; query: Readonly<Record<string, string>> }

export type ApiWorld = {
  suite: { suiteId: string; secret: string; ticket: string | null }
  selfBuilt: { corpId: string; secret: string }
  corps: Map<string, SimulatedCorp>
  /** Authorization codes that can still be exchanged, once each. */
  codes: Map<string, SimulatedCorp>
  /** Access tokens by text: of the suite (null) or of a corp. Remove one to have it expire. */
  tokens: Map<string, { corp: SimulatedCorp | null; expires: number }>
  faults: Faults
  calls: CallRecord[]
  clock: () => number
}

type Reply = Record<string, unknown> & { errcode?: number }
type Perform = (request: Request, world: ApiWorld) => Reply

const TOKEN_SECONDS = 7_200
/** A sandbox may run for days. */
const LONGEST_RECORD = 20_000

const failure = (errcode: number): Reply => ({ errcode, errmsg: `simulated ${errcode}` })
const ok = (more: Record<string, unknown> = {}): Reply => ({ errcode: 0, errmsg: 'ok', ...more })
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The contacts API under `/cgi-bin`, as far as the product uses it. */
export function apiRoutes(world: ApiWorld): Router {
  const router = Router()
  router.use(express.json({ type: () => true, limit: '1mb' }))
  const answers = (call: CallName, perform: Perform): RequestHandler => handler(world, call, perform)
  router.post('/cgi-bin/service/get_suite_token', answers('get_suite_token', suiteToken))
  router.post('/cgi-bin/service/v2/get_permanent_code', answers('get_permanent_code', permanentCode))
  router.post('/cgi-bin/service/get_corp_token', answers('get_corp_token', corpToken))
  router.get('/cgi-bin/gettoken', answers('gettoken', selfBuiltToken))
  router.get('/cgi-bin/department/simplelist', answers('department/simplelist', withCorp(departmentIds)))
  router.get('/cgi-bin/department/list', answers('department/list', withCorp(departments)))
  router.get('/cgi-bin/user/simplelist', answers('user/simplelist', withCorp(membersOfDepartment)))
  router.post('/cgi-bin/user/list_id', answers('user/list_id', withCorp(listId)))
  router.post('/cgi-bin/user/list_member_auth', answers('user/list_member_auth', withCorp(memberAuth)))
  return router
}

function handler(world: ApiWorld, call: CallName, perform: Perform): RequestHandler {
  return async (request, response) => {
    const fault = world.faults.take(call)
    const reply = fault?.kind === 'errcode' ? failure(fault.errcode) : perform(request, world)
    const withheld = fault?.kind === 'hang' || fault?.kind === 'reset' || fault?.kind === 'half-body'
    const query = Object.fromEntries(new URL(request.originalUrl, 'http://simulator').searchParams)
    world.calls.push({ call, time: world.clock(), errcode: withheld ? -2 : (reply.errcode ?? 0), query })
    if (world.calls.length > LONGEST_RECORD) world.calls.shift()
    await send(response, reply, fault)
  }
}

async function send(response: Response, reply: Reply, fault: Fault | undefined): Promise<void> {
  if (fault?.kind === 'hang') return
  if (fault?.kind === 'reset') return void response.socket?.resetAndDestroy()
  if (fault?.kind === 'late') await after(fault.milliseconds)
  const bytes = Buffer.from(JSON.stringify(reply))
  response.writeHead(fault?.kind === 'status' ? fault.status : 200, {
    'content-type': 'application/json',
    'content-length': bytes.length,
  })
  if (fault?.kind === 'half-body')
    return void response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.destroy())
  response.end(bytes)
}

function issue(world: ApiWorld, corp: SimulatedCorp | null): string {
  const token = randomBytes(24).toString('base64url')
  world.tokens.set(token, { corp, expires: world.clock() + TOKEN_SECONDS * 1000 })
  return token
}

const suiteToken: Perform = ({ body }, world) => {
  const { suite } = world
  if (body?.suite_id !== suite.suiteId || body?.suite_secret !== suite.secret) return failure(40013)
  if (suite.ticket === null || body?.suite_ticket !== suite.ticket) return failure(40085)
  return { errcode: 0, errmsg: 'ok', suite_access_token: issue(world, null), expires_in: TOKEN_SECONDS }
}

/** The suite's own token, or why it is none: 40082 unknown, 42009 expired. */
function refusedSuite(request: Request, world: ApiWorld): Reply | undefined {
  const found = world.tokens.get(text(request.query['suite_access_token']))
  if (!found || found.corp !== null) return failure(40082)
  return found.expires <= world.clock() ? failure(42009) : undefined
}

const permanentCode: Perform = (request, world) => {
  const refusal = refusedSuite(request, world)
  if (refusal) return refusal
  const code = text(request.body?.auth_code)
  const corp = world.codes.get(code)
  if (!corp) return failure(40078)
  world.codes.delete(code)
  corp.permanentCode ??= randomBytes(24).toString('base64url')
  return {
    permanent_code: corp.permanentCode,
    auth_corp_info: { corpid: corp.corpId, corp_name: 'simulated' },
    auth_user_info: { userid: '' },
  }
}

/** On success this call has no errcode at all (W90605). */
const corpToken: Perform = (request, world) => {
  const refusal = refusedSuite(request, world)
  if (refusal) return refusal
  const corp = world.corps.get(text(request.body?.auth_corpid))
  if (!corp || corp.permanentCode === null || request.body?.permanent_code !== corp.permanentCode) return failure(40084)
  return { access_token: issue(world, corp), expires_in: TOKEN_SECONDS }
}

const selfBuiltToken: Perform = ({ query }, world) => {
  const { corpId, secret } = world.selfBuilt
  const corp = world.corps.get(corpId)
  if (query['corpid'] !== corpId) return failure(40013)
  if (query['corpsecret'] !== secret || !corp) return failure(40001)
  return ok({ access_token: issue(world, corp), expires_in: TOKEN_SECONDS })
}

function withCorp(perform: (corp: SimulatedCorp, request: Request, world: ApiWorld) => Reply): Perform {
  return (request, world) => {
    const found = world.tokens.get(text(request.query['access_token']))
    if (!found?.corp) return failure(40014)
    if (found.expires <= world.clock()) return failure(42001)
    if (found.corp.permanentCode === null && found.corp.corpId !== world.selfBuilt.corpId) return failure(40014)
    return perform(found.corp, request, world)
  }
}

const departmentIds = (corp: SimulatedCorp): Reply =>
  ok({ department_id: [...corp.departments.values()].map(({ id, parentid, order }) => ({ id, parentid, order })) })

const departments = (corp: SimulatedCorp): Reply =>
  ok({ department: [...corp.departments.values()].map(({ id, name, parentid, order }) => ({ id, name, parentid, order })) })

function membersOfDepartment(corp: SimulatedCorp, { query }: Request): Reply {
  const id = Number(query['department_id'])
  if (corp.hidden.has(id)) return failure(60011)
  if (!corp.departments.has(id)) return failure(60003)
  return ok({
    userlist: corp
      .membersOf(id)
      .map(({ userid, name, departments: department }) => ({ userid, name, department, open_userid: userid })),
  })
}

/** One row for each department of a member, in pages. */
function listId(corp: SimulatedCorp, { body }: Request): Reply {
  const rows = [...corp.members.values()].flatMap(({ userid, departments: those }) =>
    those.map((department) => ({ open_userid: userid, department })),
  )
  const { page, next } = pageOf(rows, body, 10_000)
  return ok({ dept_user: page, next_cursor: next })
}

function memberAuth(corp: SimulatedCorp, { body }: Request): Reply {
  const rows = [...corp.members.values()].map(({ userid }) => ({ open_userid: userid }))
  const { page, next } = pageOf(rows, body, 1_000)
  return ok({ member_auth_list: page, next_cursor: next })
}

function pageOf<T>(rows: readonly T[], body: { cursor?: unknown; limit?: unknown }, most: number): { page: T[]; next: string } {
  const from = Number(text(body?.cursor) || 0)
  const end = from + Math.min(most, Math.max(1, Number(body?.limit) || most))
  return { page: rows.slice(from, end), next: end < rows.length ? String(end) : '' }
}
