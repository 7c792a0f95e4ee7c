import { setFlagsFromString } from 'node:v8'

/**
 * Has this process collect its garbage with few threads, for whoever shares few cores with what it waits for. V8 moves what is young and
 * marks what is old with several: on two cores, marking kept the event loop, the database and the receivers from running for 100 ms at
 * a time, and to hand the moving to each other cost as much again. Measured for a dispatcher beside trouble at 2,000/s, three
 * rounds in turns, the middle ones:
 *   as V8 does it                           372 µs of processor time a delivery, the slowest of twenty 55 ms, of a hundred 87 ms
 *   one thread that marks, one that moves   275                                                        41               83
 *   several that move, marking in between   338                                                        41               63, and 35 MB more
 * The flags are read at each collection, so they may be set while a process runs.
 */
export function collectSparingly(): void {
  setFlagsFromString('--no-parallel-scavenge')
  setFlagsFromString('--concurrent-marking-max-worker-num=1')
}
