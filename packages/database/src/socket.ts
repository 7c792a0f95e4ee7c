import type { Socket } from 'node:net'
import type { Connection as RawConnection } from 'mysql2'

/** The driver has it and does not say so; its `destroy` would wait for the other end to say good-bye. */
export const socketOf = (raw: RawConnection): Socket => (raw as unknown as { stream: Socket }).stream
