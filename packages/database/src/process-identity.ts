import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { codeOf } from '@tributary/runtime'

/**
 * Who holds a lease. A lease normally ends by time, which after a crash means waiting it out. But a process that
 * restarts on the same machine can see that the former owner is gone, and need not wait: so an owner's name says where
 * its process can be looked up. Boot id and process namespace are part of it, because process numbers mean nothing in
 * another container or after a reboot; the start time is, because numbers are used again.
 */
export type ProcessIdentity = string

const PLACE = place()
/** In place of the start time of a process that has ended. */
const GONE = 'gone'

/** A name for one owner in this process, at most 100 characters, different at each call. */
export function processIdentity(): ProcessIdentity {
  const start = PLACE === undefined ? '-' : (startTime(process.pid) ?? '-')
  return [hostname().slice(0, 30), PLACE ?? '-', process.pid, start, randomBytes(4).toString('hex')].join('/')
}

/** Whether the owner's process certainly no longer exists. False whenever that cannot be known from here. */
export function isGone(owner: ProcessIdentity): boolean {
  const [, where, pid, start] = owner.split('/')
  if (PLACE === undefined || where !== PLACE || pid === undefined || start === '-') return false
  const found = startTime(Number(pid))
  // Where the system shows each user only its own processes (hidepid, ProtectProc), others are there all the same.
  return found === undefined ? !isThere(Number(pid)) : found !== start
}

/** Boot id and process namespace, or undefined where the system does not tell (then leases simply run out). */
function place(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8)
    return `${boot}.${readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '')}`
  } catch {
    return undefined
  }
}

/** Whether any process has this number, whoever may look at it. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) !== 'ESRCH'
  }
}

/** Field 22 of /proc/PID/stat (see proc(5)), undefined where it cannot be read; a zombie counts as gone. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The program's name may hold spaces and brackets; the fields after the last bracket do not.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || state === 'X' ? GONE : fields[18]
  } catch {
    return undefined
  }
}
