import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createSyncproof } from '@syncproof/sdk'
import { median } from '../shared/median.ts'

/** The collector is away while 1,000,000 events are made: how much the heap grows, and whether the host's p99 stays
 *  within the spread of itself.
 *
 *  Floor: the same calls without the SDK, 20 interleaved pairs of A and A: the spread of their ratios is what this
 *  machine does by itself. Then 20 pairs of A and B, where B is A while a client waits for its collector with a queue
 *  that 1,000,000 events have filled, and its host works beside wrapped calls at 1,000 events a second. What is timed
 *  is the host's own work, of which Syncproof must not be felt; what a wrapped call costs is another figure. */

const EVENTS = 1_000_000
const PAIRS = 20
const ROUNDS = 2_000
const EVENTS_A_TURN = 500
const MIB = 1024 * 1024

setFlagsFromString('--expose-gc')
const gc: () => void = runInNewContext('gc')

const syncproof = createSyncproof({
  service: 'collector-down',
  // nobody listens there
  url: 'http://127.0.0.1:9',
  fingerprintKey: 'benchmark',
  onWarning: () => {},
})
const record = { name: 'Ada', email: 'ada@example.test', stage: 'hired', score: 7, notes: null, version: 3 }
const call = syncproof.wrap(
  async (id: string) => {
    const row = await syncproof.read('db', async () => ({ ...record, id }))
    await syncproof.write('db', row, async () => 1)
    await syncproof.sync('ats', row, async () => ({ status: 200, headers: {} }))
  },
  { entity: (id) => ({ type: 'candidate', id }), name: 'call', syncs: ['ats'] },
)
const EVENTS_A_CALL = 5

const heap = await makeEvents()
print(
  `${heap.produced} events made, ${heap.pending} wait, ${heap.dropped} dropped, sum ${heap.pending + heap.dropped}`,
)
print(
  `heap grew by ${mib(heap.grown)} MiB after gc (at most ${mib(heap.most)}), external by ${mib(heap.external)}: to reach ≤ 16`,
)

let busy: NodeJS.Timeout | undefined
const aa = await pairs(false)
const ab = await pairs(true)
await syncproof.shutdown()
const spread = [Math.min(...aa), Math.max(...aa)] as const
const middle = median(ab)
print(
  `p99 of the host, A/A over ${PAIRS} interleaved pairs: ratios ${range(aa)}, median ${median(aa).toFixed(3)}`,
)
print(`p99 of the host, A/B with the collector away:  ratios ${range(ab)}, median ${middle.toFixed(3)}`)
const within = middle <= spread[1]
print(`median A/B is ${within ? 'within' : 'beyond'} the spread of A/A`)
process.exitCode = heap.grown <= 16 * MIB && within && heap.pending + heap.dropped === heap.produced ? 0 : 1

/** 1,000,000 events as a host would make them, with turns of the event loop between. */
async function makeEvents() {
  await call('warm up')
  gc()
  const before = process.memoryUsage()
  let most = 0
  let made = EVENTS_A_CALL
  for (let turn = 0; made < EVENTS; turn += 1) {
    for (let n = 0; n < EVENTS_A_TURN; n += EVENTS_A_CALL, made += EVENTS_A_CALL) await call(`c${made}`)
    await new Promise(setImmediate)
    if (turn % 100 === 0) {
      gc()
      most = Math.max(most, process.memoryUsage().heapUsed - before.heapUsed)
    }
  }
  gc()
  const after = process.memoryUsage()
  const { sent, dropped, pending } = await syncproof.flush()
  return {
    produced: made,
    pending: pending + sent,
    dropped,
    grown: after.heapUsed - before.heapUsed,
    most,
    external: after.external - before.external,
  }
}

/** Ratios of the p99 of one half of a pair to that of the other. */
async function pairs(withCalls: boolean): Promise<number[]> {
  const ratios: number[] = []
  for (let n = -2; n < PAIRS; n += 1) {
    const first = n % 2 === 0
    const one = await p99(first && withCalls)
    const two = await p99(!first && withCalls)
    // the first two warm up
    if (n >= 0) ratios.push(first ? one / two : two / one)
  }
  return ratios
}

/** The host's own work in turns of the event loop, beside wrapped calls where there are some. */
async function p99(withCalls: boolean): Promise<number> {
  if (withCalls) busy = setInterval(() => void call('busy'), 5)
  const times: number[] = []
  for (let n = 0; n < ROUNDS; n += 1) {
    const started = performance.now()
    work(n)
    times.push(performance.now() - started)
    await new Promise(setImmediate)
  }
  clearInterval(busy)
  times.sort((a, b) => a - b)
  return times[Math.floor(ROUNDS * 0.99)] ?? 0
}

/** What a request handler does: parse, change, print. */
function work(n: number): number {
  const rows = Array.from({ length: 40 }, (_, index) => ({ ...record, id: `${n}.${index}` }))
  return JSON.stringify(JSON.parse(JSON.stringify(rows))).length
}

function range(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(3)}–${Math.max(...values).toFixed(3)}`
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
