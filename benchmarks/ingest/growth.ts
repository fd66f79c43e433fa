import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { cpuSeconds } from '../shared/cpu.ts'
import { type Body, makeBodies } from './bodies.ts'
import { sendAll } from './load.ts'
import { startIngest } from './services.ts'

/** What an event costs as the store grows, and what it takes on disk. */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000000' },
    operations: { type: 'string', default: '250' },
    'at-once': { type: 'string', default: '16' },
  },
})
const [EVENTS, OPERATIONS, AT_ONCE] = [values.events, values.operations, values['at-once']].map(Number) as [
  number,
  number,
  number,
]
const FIRST_MARK = 100_000
const WINDOW_BATCHES = 80
const FILL_BATCHES = 40
const FLAT = 0.15

interface Mark {
  readonly events: number
  readonly collectorUs: number
  readonly postgresUs: number
  readonly rate: number
}

await using opened = new AsyncDisposableStack()
const ingest = await startIngest(opened)
const client = new pg.Client(ingest.database)
await client.connect()
opened.defer(() => client.end())

let stored = 0
let operations = 0
const marks: Mark[] = []
for (let mark = FIRST_MARK; mark <= EVENTS; mark *= 10) {
  while (stored < mark - FIRST_MARK / 2) await send(makeBodies(FILL_BATCHES, OPERATIONS))
  marks.push(await measured())
  process.stderr.write(`${stored.toLocaleString('en-US')} events\n`)
}
process.stdout.write(`${(await lines()).join('\n')}\n`)
process.exitCode = spread() <= FLAT ? 0 : 1

async function send(bodies: readonly Body[]): Promise<number> {
  const seconds = await sendAll(
    ingest.api,
    bodies.map(({ gzip }) => gzip),
    AT_ONCE,
  )
  for (const body of bodies) {
    stored += body.events
    operations += body.operations
  }
  return seconds
}

/** CPU, which other work on the machine hardly changes, beside the clock, which it does. */
async function measured(): Promise<Mark> {
  const bodies = makeBodies(WINDOW_BATCHES, OPERATIONS)
  const before = [ingest.collector.pid, ingest.postgresPid].map((pid) => cpuSeconds(pid) ?? Number.NaN)
  const from = stored
  const seconds = await send(bodies)
  const after = [ingest.collector.pid, ingest.postgresPid].map((pid) => cpuSeconds(pid) ?? Number.NaN)
  const each = (place: number) => (((after[place] ?? 0) - (before[place] ?? 0)) / (stored - from)) * 1e6
  return { events: stored, collectorUs: each(0), postgresUs: each(1), rate: (stored - from) / seconds }
}

function spread(): number {
  const costs = marks.map(({ collectorUs, postgresUs }) => collectorUs + postgresUs)
  return (costs.at(-1) ?? 0) / (costs[0] ?? Number.NaN) - 1
}

async function lines(): Promise<readonly string[]> {
  const { rows } = await client.query(`
    select sum(pg_table_size(relid))::bigint as heap, sum(pg_indexes_size(relid))::bigint as indexes
    from pg_partition_tree('syncproof.events') where isleaf`)
  const each = (bytes: string) => Math.round(Number(bytes) / operations)
  const percent = (spread() * 100).toFixed(1)
  return [
    `${ingest.description}, fsync on; Node ${process.version}; ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
    '',
    `${'events stored'.padStart(15)}${'CPU µs an event: collector'.padStart(28)}${'PostgreSQL'.padStart(12)}${'together'.padStart(10)}${'events/s'.padStart(10)}`,
    ...marks.map(
      ({ events, collectorUs, postgresUs, rate }) =>
        events.toLocaleString('en-US').padStart(15) +
        collectorUs.toFixed(1).padStart(28) +
        postgresUs.toFixed(1).padStart(12) +
        (collectorUs + postgresUs).toFixed(1).padStart(10) +
        Math.round(rate).toLocaleString('en-US').padStart(10),
    ),
    '',
    `${percent} % from the first to the last, wanted: within ±15 %: ${Math.abs(spread()) <= FLAT ? 'met' : 'MISSED'}`,
    `on disk, an operation of ${(stored / operations).toFixed(1)} events: ${each(rows[0].heap)} bytes of rows, ${each(rows[0].indexes)} of indexes`,
  ]
}
