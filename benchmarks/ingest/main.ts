import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startProgram } from '../../tools/testing/start-service.ts'
import { freePort } from '../../tools/testing/throwaway-servers.ts'
import { openApi } from '../shared/api.ts'
import { type Body, makeBodies } from './bodies.ts'
import { openFloor } from './floor.ts'
import { sendAll, sendSteadily } from './load.ts'
import { startIngest } from './services.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    batches: { type: 'string', default: '60' },
    operations: { type: 'string', default: '250' },
    'at-once': { type: 'string', default: '16' },
    seconds: { type: 'string', default: '30' },
  },
})
const [ROUNDS, BATCHES, OPERATIONS, AT_ONCE, SECONDS] = [
  values.rounds,
  values.batches,
  values.operations,
  values['at-once'],
  values.seconds,
].map(Number) as [number, number, number, number, number]
/** A peer that commits each event needs fewer to show its rate. */
const PEER_BATCHES = 16
const WANTED = { floor: 0.6, peer: 10, p99Ms: 250 }

await using opened = new AsyncDisposableStack()
const ingest = await startIngest(opened)
const floor = await openFloor(ingest.floorDatabase)
opened.defer(() => floor.close())

const peerPort = await freePort()
const peer = await startProgram(
  [join(import.meta.dirname, 'peer.ts'), ingest.floorDatabase, String(peerPort)],
  {},
)
opened.defer(() => peer.stop())
const peerApi = openApi(`http://127.0.0.1:${peerPort}`, 'none')

const eventsOf = (bodies: readonly Body[]) => bodies.reduce((sum, { events }) => sum + events, 0)
const rounds: { readonly floor: number; readonly ours: number; readonly peer: number }[] = []
let sample: readonly Body[] = []
for (let round = -1; round < ROUNDS; round += 1) {
  const bodies = makeBodies(BATCHES, OPERATIONS)
  const gzips = bodies.map(({ gzip }) => gzip)
  sample = makeBodies(PEER_BATCHES, OPERATIONS)
  const plain = sample.map(({ json }) => json)
  // in turn first and last: whoever comes second finds the disk as the other left it
  const measures = [
    async () => ({ floor: eventsOf(bodies) / (await floor.copy(bodies)) }),
    async () => ({ ours: eventsOf(bodies) / (await sendAll(ingest.api, gzips, AT_ONCE)) }),
    async () => ({ peer: eventsOf(sample) / (await sendAll(peerApi, plain, AT_ONCE)) }),
  ]
  if (round % 2 === 0) measures.reverse()
  const seen = { floor: 0, ours: 0, peer: 0 }
  for (const measure of measures) Object.assign(seen, await measure())
  // the first one warms up
  if (round >= 0) rounds.push(seen)
}

const ours = median(rounds.map((round) => round.ours))
const half = ours / 2
const steady = makeBodies(Math.ceil((half * SECONDS) / (eventsOf(sample) / sample.length)), OPERATIONS)
const tookMs = await sendSteadily(ingest.api, steady, half)

const toFloor = rounds.map((round) => round.ours / round.floor)
const toPeer = rounds.map((round) => round.ours / round.peer)
const perBatch = Math.round(eventsOf(sample) / sample.length)
const bytes = sample.reduce((sum, { json }) => sum + json.length, 0) / eventsOf(sample)
const p99 = quantile(tookMs, 0.99)
const lines = [
  `${perBatch} events a batch, ${Math.round(bytes)} bytes of JSON each; ${AT_ONCE} requests at once; ${ROUNDS} rounds of ${BATCHES} batches`,
  `${ingest.description}, fsync on; Node ${process.version}; ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
  '',
  'events/s                                      median      rounds',
  `  collector over HTTP, gzip, durable         ${shown(ours)}   ${spread(rounds.map((round) => round.ours))}`,
  `  floor: COPY, a commit a batch              ${shown(median(rounds.map((round) => round.floor)))}   ${spread(rounds.map((round) => round.floor))}`,
  `  peer: a Fastify route, a query an event    ${shown(median(rounds.map((round) => round.peer)))}   ${spread(rounds.map((round) => round.peer))}`,
  '',
  `  to the floor    ${median(toFloor).toFixed(2)} (${quantile(toFloor, 0).toFixed(2)} to ${quantile(toFloor, 1).toFixed(2)})   wanted: at least ${WANTED.floor}: ${said(median(toFloor) >= WANTED.floor)}`,
  `  to the peer     ${median(toPeer).toFixed(1)} (${quantile(toPeer, 0).toFixed(1)} to ${quantile(toPeer, 1).toFixed(1)})   wanted: at least ${WANTED.peer}: ${said(median(toPeer) >= WANTED.peer)}`,
  '',
  `acknowledged at half that rate, ${steady.length} batches: p50 ${quantile(tookMs, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms   wanted: p99 at most ${WANTED.p99Ms}: ${said(p99 <= WANTED.p99Ms)}`,
]
process.stdout.write(`${lines.join('\n')}\n`)
const isMet = median(toFloor) >= WANTED.floor && median(toPeer) >= WANTED.peer && p99 <= WANTED.p99Ms
process.exitCode = isMet ? 0 : 1

function said(isMet: boolean): string {
  return isMet ? 'met' : 'MISSED'
}

function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5)
}

function quantile(numbers: readonly number[], q: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

function shown(rate: number): string {
  return Math.round(rate).toLocaleString('en-US').padStart(8)
}

function spread(rates: readonly number[]): string {
  return `${shown(quantile(rates, 0))} to ${shown(quantile(rates, 1))}`
}
