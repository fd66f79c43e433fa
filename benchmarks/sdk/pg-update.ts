// What an observed update costs more than the plain one, on loopback: `node benchmarks/sdk/pg-update.ts`
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { createTable, type Lane, openLanes } from './pg-lanes.ts'

const ROUNDS = 100
const WARM_UP_ROUNDS = 6
const UPDATES_PER_ROUND = 100
const WANTED_MS_MAX = 0.1

/** What an update costs, in microseconds. */
interface Cost {
  /** From the call to its answer; and the CPU of the delivery of its events, which an app that goes on pays too. */
  readonly wall: number
  /** CPU of this process, all threads. */
  readonly client: number
  /** CPU of the connection's server process; NaN where the system does not tell. */
  readonly server: number
}

const embedded = process.env.TEST_POSTGRES === 'embedded'
const postgres = await startPostgres(embedded)
const sink = fork(new URL('sink.ts', import.meta.url))
const [sinkUrl] = (await once(sink, 'message')) as [string]
await createTable(postgres.url)
const lanes = await openLanes(postgres.url, sinkUrl)
const costs = new Map<Lane, Cost[]>(lanes.map((lane) => [lane, []]))

for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
  // each round begins with another lane, so that none always runs after the same
  for (const index of lanes.keys()) {
    const lane = lanes[(index + round + WARM_UP_ROUNDS) % lanes.length] as Lane
    const cost = await measure(lane)
    if (round >= 0) costs.get(lane)?.push(cost)
  }
}
print()
for (const lane of lanes) await lane.close()
sink.kill()
await postgres.stop()

async function measure(lane: Lane): Promise<Cost> {
  const serverBefore = cpuOf(lane.serverPid)
  const clientBefore = process.cpuUsage()
  const startedMs = performance.now()
  for (let n = 0; n < UPDATES_PER_ROUND; n += 1) await lane.update(`c${(n % 100) + 1}`)
  const wallUs = (performance.now() - startedMs) * 1000
  const calls = process.cpuUsage(clientBefore)
  await lane.flush()
  const all = process.cpuUsage(clientBefore)
  const clientUs = all.user + all.system
  return {
    wall: (wallUs + clientUs - calls.user - calls.system) / UPDATES_PER_ROUND,
    client: clientUs / UPDATES_PER_ROUND,
    server: (cpuOf(lane.serverPid) - serverBefore) / UPDATES_PER_ROUND,
  }
}

/** Microseconds that a process has run. */
function cpuOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000
  } catch {
    return Number.NaN
  }
}

function print(): void {
  const lines = [
    `${ROUNDS} interleaved rounds of ${UPDATES_PER_ROUND} updates a lane, Node ${process.version}, ${postgres.description}`,
    'µs an update, median of the rounds (first to ninth tenth); CPU is of all threads, delivery included',
    '',
    row('', ['wall', 'CPU of the app', 'CPU of the server', 'both CPUs']),
    ...lanes.map((lane) =>
      row(
        lane.name,
        figures((round) => costs.get(lane)?.[round]),
      ),
    ),
    '',
    row('more than its floor, round by round', ['wall', 'CPU of the app', 'CPU of the server', 'both CPUs']),
    ...lanes.flatMap((lane) => {
      const floor = lanes.find(({ name }) => name === lane.floor)
      return floor
        ? [
            row(
              `${lane.name} - ${floor.name}`,
              figures((round) => more(lane, floor, round)),
            ),
          ]
        : []
    }),
    '',
    verdict(),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

function more(lane: Lane, floor: Lane, round: number): Cost | undefined {
  const [a, b] = [costs.get(lane)?.[round], costs.get(floor)?.[round]]
  return a && b && { wall: a.wall - b.wall, client: a.client - b.client, server: a.server - b.server }
}

function figures(costOf: (round: number) => Cost | undefined): readonly string[] {
  const all = Array.from({ length: ROUNDS }, (_, round) => costOf(round)).filter((cost) => cost !== undefined)
  return [
    spread(all.map(({ wall }) => wall)),
    spread(all.map(({ client }) => client)),
    spread(all.map(({ server }) => server)),
    spread(all.map(({ client, server }) => client + server)),
  ]
}

/** The median of the rounds; and what is left of it in the quietest tenth of them, where other work on the machine
 *  stretched neither. */
function verdict(): string {
  const [floor, observed] = ['plain', 'observed'].map((name) => lanes.find((lane) => lane.name === name))
  if (!floor || !observed) throw new Error('a lane is missing')
  const [slow, fast] = [observed, floor].map((lane) => (costs.get(lane) ?? []).map(({ wall }) => wall)) as [
    number[],
    number[],
  ]
  const added = quantile(
    slow.map((wall, round) => wall - (fast[round] ?? Number.NaN)),
    0.5,
  )
  const ratio = quantile(
    slow.map((wall, round) => wall / (fast[round] ?? Number.NaN)),
    0.5,
  )
  const ms = (us: number) => `${(us / 1000).toFixed(3)} ms`
  return [
    `an observed update costs ${ms(added)} more than the plain one, ${ratio.toFixed(2)} times as much; wanted: at most ${WANTED_MS_MAX} ms more`,
    `in the quietest tenth of the rounds ${ms(quantile(slow, 0.1) - quantile(fast, 0.1))} more`,
  ].join('\n')
}

function row(name: string, cells: readonly string[]): string {
  return `  ${name.padEnd(46)}${cells.map((cell) => cell.padStart(22)).join('')}`
}

function spread(values: readonly number[]): string {
  const at = (share: number) => quantile(values, share).toFixed(0)
  return `${at(0.5)} (${at(0.1)} to ${at(0.9)})`
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN
}
