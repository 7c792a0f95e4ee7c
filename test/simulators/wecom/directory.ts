import { createRandom } from '../../random.ts'

/** A member as user/simplelist shows it to a suite: the real name is not among it. */
export type SimulatedMember = { userid: string; name: string; departments: number[] }
export type SimulatedDepartment = { id: number; name: string; parentid: number; order: number }

/** A corp that may install the suite or build an app of its own. Change its maps to make its directory another. */
export type SimulatedCorp = {
  readonly corpId: string
  readonly departments: Map<number, SimulatedDepartment>
  readonly members: Map<string, SimulatedMember>
  /** Set while the corp's consent stands. */
  permanentCode: string | null
  /** Departments outside the visible range: asking for them is answered with 60011. */
  readonly hidden: Set<number>
  /** The members of a department, which a directory of 100,000 cannot look for one by one. */
  membersOf(department: number): readonly SimulatedMember[]
  /** To be called after the maps were changed. */
  changed(): void
}

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789'

/** An id of 32 characters, as WeCom makes them since 2022: `wp` for corps, `wo` for members. */
function encryptedId(prefix: 'wp' | 'wo', seed: number): string {
  const random = createRandom(seed)
  return prefix + Array.from({ length: 30 }, () => ALPHABET[random.below(ALPHABET.length)]).join('')
}

/** A corp with a tree of departments, ten below each, and members spread over them; one in ten stands in two. */
export function createCorp(options: { seed: number; departments: number; members: number; corpId?: string }): SimulatedCorp {
  const random = createRandom(options.seed)
  const departments = new Map<number, SimulatedDepartment>()
  for (let id = 1; id <= options.departments; id += 1)
    departments.set(id, { id, name: `部门 ${id}`, parentid: id === 1 ? 0 : Math.floor((id + 8) / 10), order: 100_000_000 - id })
  const members = new Map<string, SimulatedMember>()
  for (let number = 0; number < options.members; number += 1) {
    const userid = encryptedId('wo', options.seed * 1_000_003 + number)
    const first = 1 + random.below(options.departments)
    const second = 1 + random.below(options.departments)
    members.set(userid, {
      userid,
      name: userid,
      departments: random.chance(0.1) && second !== first ? [first, second] : [first],
    })
  }
  let index: Map<number, SimulatedMember[]> | undefined
  return {
    corpId: options.corpId ?? encryptedId('wp', options.seed),
    departments,
    members,
    permanentCode: null,
    hidden: new Set(),
    membersOf(department) {
      index ??= indexed(members)
      return index.get(department) ?? []
    },
    changed() {
      index = undefined
    },
  }
}

function indexed(members: ReadonlyMap<string, SimulatedMember>): Map<number, SimulatedMember[]> {
  const index = new Map<number, SimulatedMember[]>()
  for (const member of members.values())
    for (const department of member.departments) {
      const those = index.get(department)
      if (those) those.push(member)
      else index.set(department, [member])
    }
  return index
}
