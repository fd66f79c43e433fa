import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { migrateStore, openStore, type Store } from '@syncproof/store'
import pg from 'pg'
import { createApp } from '../../tools/testing/sample-app.ts'
import { startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { median } from '../shared/median.ts'

/** Whether events are stored more slowly beside a year of days than beside a month of them. Both databases are on one
 *  server, and get the same batches in turn, by the store's own way. */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    batches: { type: 'string', default: '16' },
    operations: { type: 'string', default: '100' },
  },
})
const [ROUNDS, BATCHES, OPERATIONS] = [values.rounds, values.batches, values.operations].map(Number) as [
  number,
  number,
  number,
]
const [MONTH, YEAR] = [30, 365]
const RATIO_MAX = 1.15
/** Plans and connections are made in them. */
const WARM_ROUNDS = 5
const DAY_MS = 86_400_000

await using opened = new AsyncDisposableStack()
const server = await startPostgres(false, {
  ...{ fsync: 'on', full_page_writes: 'on', wal_level: 'replica' },
  ...{ shared_buffers: '512MB', max_wal_size: '4GB' },
})
opened.defer(() => server.stop())
const stores = { month: await withDays('month', MONTH), year: await withDays('year', YEAR) }
const apps = Array.from({ length: BATCHES }, (_, number) => createApp(number))

let events = 0
const taken = { month: [] as number[], year: [] as number[] }
for (let round = -WARM_ROUNDS; round < ROUNDS; round += 1) {
  const batches = apps.map((app) => app.batch(OPERATIONS))
  if (round >= 0) events += batches.reduce((sum, batch) => sum + batch.events, 0) / ROUNDS
  // whoever goes first pays for what the other one finds in the caches
  const order = round % 2 === 0 ? (['month', 'year'] as const) : (['year', 'month'] as const)
  for (const name of order) {
    const fromMs = performance.now()
    await Promise.all(
      batches.map(({ process, sent }) => stores[name].events.append('default', process, sent)),
    )
    if (round >= 0) taken[name].push(performance.now() - fromMs)
  }
}
const [month, year] = [median(taken.month), median(taken.year)]
const ratio = median(taken.year.map((ms, round) => ms / (taken.month[round] ?? Number.NaN)))
process.stdout.write(
  `${server.description}, fsync on; Node ${process.version}; ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}

${MONTH} partitions: ${month.toFixed(1)} ms a round of ${BATCHES} batches, about ${Math.round(events / (month / 1_000)).toLocaleString('en-US')} events/s
${YEAR} partitions: ${year.toFixed(1)} ms
ratio, the median of ${ROUNDS} rounds: ${ratio.toFixed(3)}, wanted: at most ${RATIO_MAX}: ${ratio <= RATIO_MAX ? 'met' : 'MISSED'}
`,
)
process.exitCode = ratio <= RATIO_MAX ? 0 : 1

async function withDays(name: string, days: number): Promise<Store> {
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  await admin.query(`create database ${name}`)
  await admin.end()
  const url = new URL(server.url)
  url.pathname = name
  await migrateStore({ url: url.href })
  const store = openStore({ url: url.href })
  opened.defer(() => store.close())
  const app = createApp(0)
  for (let ago = 1; ago < days; ago += 1) {
    const { process, sent } = app.batch(OPERATIONS)
    await store.events.append(
      'default',
      process,
      sent.map((event) => madeBefore(event, ago * DAY_MS)),
    )
  }
  return store
}

/** The event under an id of that long ago: it goes to another day. */
function madeBefore<E extends { readonly id: string }>(event: E, ms: number): E {
  const time = (Date.now() - ms).toString(16).padStart(12, '0')
  return { ...event, id: `${time.slice(0, 8)}-${time.slice(8)}${event.id.slice(13)}` }
}
