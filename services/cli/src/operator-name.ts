import { userInfo } from 'node:os'

/** Who runs this command, for records: the account, or its number where the system has no name for that, as in many containers. */
export function operatorName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
