import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { migrateStore, openStore } from '@syncproof/store'
import pg from 'pg'
import { startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { runPair } from '../../tools/torture/run-pair.ts'
import { median } from '../shared/median.ts'
import { fill } from './tables.ts'

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '600000' }, rounds: { type: 'string', default: '3' } },
})
const [ROWS, ROUNDS] = [values.rows, values.rounds].map(Number) as [number, number]
const SEGMENTS = 24
const MANY = 4
const WANTED = 1.5
const say = (line: string) => process.stdout.write(`${line}\n`)

await using opened = new AsyncDisposableStack()
const server = await startPostgres(false, { shared_buffers: '512MB', max_wal_size: '4GB' })
opened.defer(() => server.stop())
const db = new pg.Pool({ connectionString: server.url, max: 2 })
db.on('error', () => {})
opened.defer(() => db.end())
await fill(db, ROWS, 1_000)
await db.query('create database store')
const storeUrl = new URL(server.url)
storeUrl.pathname = '/store'
await migrateStore({ url: storeUrl.href })
const store = openStore({ url: storeUrl.href })
opened.defer(() => store.close())

/** Seconds that a run takes with so many worker processes, from when one of them has begun it. */
async function run(workers: number): Promise<number> {
  const args = [
    join(import.meta.dirname, 'worker.ts'),
    storeUrl.href,
    server.url,
    String(Math.ceil(ROWS / SEGMENTS)),
  ]
  const started: ChildProcess[] = []
  try {
    for (let n = 0; n < workers; n += 1) {
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      started.push(child)
      await once(child.stdout, 'data')
    }
    const report = await runPair(store, 'default', 'records')
    if (report.result !== 'clean' || report.coverage?.compared !== ROWS) {
      throw new Error(JSON.stringify(report))
    }
    return (Date.parse(report.finished_at ?? '') - Date.parse(report.started_at ?? '')) / 1_000
  } finally {
    for (const child of started) {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    }
  }
}

const rounds: { one: number; many: number }[] = []
for (let round = 0; round < ROUNDS; round += 1) rounds.push({ one: await run(1), many: await run(MANY) })
say(
  `${ROWS} rows a side, read and compared in ${SEGMENTS} segments, ${ROUNDS} rounds, ${cpus().length} cores with the database, load ${loadavg()[0]?.toFixed(1)}`,
)
say(
  `${MANY} workers: ${median(rounds.map(({ many }) => many)).toFixed(2)} s, ${median(rounds.map(({ one, many }) => one / many)).toFixed(2)} × as fast as one (${median(rounds.map(({ one }) => one)).toFixed(2)} s; wanted ≥ ${WANTED})`,
)
