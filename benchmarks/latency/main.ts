import { randomBytes } from 'node:crypto'
import { cpus, loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { type Batch, createApp } from '../../tools/testing/sample-app.ts'
import { runCommand, startService } from '../../tools/testing/start-service.ts'
import { freePort, startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { openApi } from '../shared/api.ts'
import { cpuSeconds, machineCpuSeconds } from '../shared/cpu.ts'
import { POLL_MS, watchFindings } from './watch.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, rate: { type: 'string', default: '500' } },
})
const SECONDS = Number(values.seconds)
/** Operations a second, of all processes of the app together. */
const RATE = Number(values.rate)
const WARM_UP_S = 5
const APPS = 8
/** As the SDK sends by default. */
const FLUSH_MS = 250
/** What is not visible this long after the last batch is missing. */
const DRAIN_MS_MAX = 15_000
const FLOOR_ROUNDS = 300
const WANTED_MS = { p50: 500, p99: 2_000 }

interface Load {
  operations: number
  events: number
  readonly sentMs: number[]
  /** When the batch of a finding was acknowledged. */
  readonly ackedMs: Map<string, number>
}

await using opened = new AsyncDisposableStack()
// a signal to the terminal does not reach what has a session of its own
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    // the load fails when its services end
    process.on('uncaughtException', () => {})
    opened.disposeAsync().finally(() => process.exit(130))
  })
const postgres = await startPostgres(false, { fsync: 'on', full_page_writes: 'on', wal_level: 'replica' })
opened.defer(() => postgres.stop())
const floor = await measureFloor(postgres.url)
const { api, pids } = await startAll(postgres.url)
const watch = watchFindings(api)
opened.defer(() => watch.stop())
const apps = Array.from({ length: APPS }, (_, number) => createApp(number))
await load(WARM_UP_S)
const cpuBefore = cpuOf(pids)
const startMs = performance.now()
const sent = await load(SECONDS)
const spentS = (performance.now() - startMs) / 1_000
const cpuAfter = cpuOf(pids)
const missing = await drained(sent)
process.stdout.write(`${lines().join('\n')}\n`)
process.exitCode = missing === 0 && isWanted() ? 0 : 1

/** The collector and the reconciler as people start them. */
async function startAll(database: string) {
  const key = randomBytes(16).toString('hex')
  const secrets = { SYNCPROOF_API_KEY: key, SYNCPROOF_FINGERPRINT_KEY: key, SYNCPROOF_LOG_LEVEL: 'warn' }
  const port = await freePort()
  const common = ['--database', database, '--metrics-port', '0']
  runCommand(['migrate', '--database', database])
  const collector = await startService(['collector', ...common, '--port', String(port)], secrets)
  opened.defer(() => collector.stop())
  const reconciler = await startService(['reconciler', ...common], secrets)
  opened.defer(() => reconciler.stop())
  const pids = { collector: collector.pid, reconciler: reconciler.pid, postgres: postgres.pid }
  return { api: openApi(`http://127.0.0.1:${port}`, key), pids: { ...pids, 'load and watch': process.pid } }
}

/** Every process of the app sends what it has done since its last batch; one that was kept waiting sends more. */
async function load(seconds: number): Promise<Load> {
  const made: Load = { operations: 0, events: 0, sentMs: [], ackedMs: new Map() }
  const startMs = performance.now()
  await Promise.all(
    apps.map(async (app, number) => {
      await delay((FLUSH_MS / APPS) * number)
      for (let done = 0, elapsedS = 0; elapsedS < seconds; ) {
        await delay(FLUSH_MS)
        elapsedS = (performance.now() - startMs) / 1_000
        const due = Math.floor((Math.min(elapsedS, seconds) * RATE) / APPS) - done
        done += due
        if (due > 0) await post(app.batch(due), made)
      }
    }),
  )
  return made
}

async function post({ body, operations, events, findingIds }: Batch, made: Load): Promise<void> {
  const startMs = performance.now()
  const ackedMs = await api.post(body)
  made.operations += operations
  made.events += events
  made.sentMs.push(ackedMs - startMs)
  for (const id of findingIds) {
    made.ackedMs.set(id, ackedMs)
    watch.expect(id, ackedMs)
  }
}

/** @returns how many findings are not visible after all */
async function drained({ ackedMs }: Load): Promise<number> {
  const hidden = () => [...ackedMs.keys()].filter((id) => !watch.seenMs.has(id)).length
  const deadlineMs = performance.now() + DRAIN_MS_MAX
  while (hidden() > 0 && performance.now() < deadlineMs) await delay(POLL_MS)
  return hidden()
}

/** One commit and one query, which nothing that is durable and asked for can do without; ms, on an idle server. */
async function measureFloor(url: string): Promise<readonly number[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('create table floor (id bigint generated always as identity primary key, payload text)')
  const ms: number[] = []
  for (let round = 0; round < FLOOR_ROUNDS; round += 1) {
    const startMs = performance.now()
    await client.query(`insert into floor (payload) values (repeat('x', 500))`)
    await client.query('select * from floor order by id desc limit 1')
    ms.push(performance.now() - startMs)
  }
  await client.end()
  return ms
}

function cpuOf(pids: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const own = Object.entries(pids).map(([name, pid]): [string, number] => [
    name,
    cpuSeconds(pid) ?? Number.NaN,
  ])
  const others = (machineCpuSeconds() ?? Number.NaN) - own.reduce((sum, [, seconds]) => sum + seconds, 0)
  return Object.fromEntries([...own, ['anything else on the machine', others]])
}

/** A finding that was visible before its acknowledgement had arrived took no time at all. */
function delaysMs(): readonly number[] {
  return [...sent.ackedMs].flatMap(([id, ackedMs]) => {
    const seenMs = watch.seenMs.get(id)
    return seenMs === undefined ? [] : Math.max(0, seenMs - ackedMs)
  })
}

function isWanted(): boolean {
  return quantile(delaysMs(), 0.5) <= WANTED_MS.p50 && quantile(delaysMs(), 0.99) <= WANTED_MS.p99
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

function shown(values: readonly number[]): string {
  return [0.5, 0.99, 1].map((q) => quantile(values, q).toFixed(1).padStart(8)).join(' ')
}

function lines(): readonly string[] {
  const [rate, eventRate] = [sent.operations / spentS, sent.events / spentS]
  const delays = delaysMs()
  return [
    `${rate.toFixed(0)} operations/s, ${eventRate.toFixed(0)} events/s, for ${spentS.toFixed(0)} s from ${APPS} processes that send every ${FLUSH_MS} ms`,
    `${postgres.description}, fsync on; Node ${process.version}; ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
    '',
    'ms                                    p50      p99      max',
    `  acknowledged to visible        ${shown(delays)}   wanted: p50 at most ${WANTED_MS.p50}, p99 at most ${WANTED_MS.p99}: ${isWanted() ? 'met' : 'MISSED'}`,
    `  a batch, sent to acknowledged  ${shown(sent.sentMs)}`,
    `  floor: one commit, one query   ${shown(floor)}   on the idle server`,
    '',
    `${delays.length} findings, asked for every ${POLL_MS} ms; missing: ${missing}`,
    '',
    'CPU, cores',
    ...Object.entries(cpuAfter).map(([name, after]) => {
      const used = (after - (cpuBefore[name] ?? Number.NaN)) / spentS
      return `  ${name.padEnd(30)} ${used.toFixed(2).padStart(8)}`
    }),
  ]
}
