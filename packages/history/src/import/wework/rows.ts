import type { Row } from '@tributary/projection'

export const MEMBER_TABLE = 'eg_wework_member'
export const PAIR_TABLE = 'eg_wework_member_dept'
export const DEPARTMENT_TABLE = 'eg_wework_department'
export const EVENT_TABLE = 'eg_wework_event_member'

export const isAlive = (row: Row): boolean => row['deleted'] === 0

/** When a row was last written, milliseconds since 1970. */
export const writtenTime = (row: Row): number => Math.max(0, Number(row['update_time']), Number(row['create_time'])) || 0

export const createdTime = (row: Row): number => Math.max(0, Number(row['create_time'])) || writtenTime(row)

/** Of several rows of one thing the first live one counts, else the first. */
export const bestOf = (rows: readonly Row[]): Row | undefined => rows.find(isAlive) ?? rows[0]
