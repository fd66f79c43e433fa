// What an observed update costs more than the plain one, on loopback: `node benchmarks/sdk/pg-update.ts`
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { createSyncproof } from '../../sdk/src/index.ts'
import { observe } from '../../sdk/src/pg/index.ts'
import { startPostgres } from '../../tools/testing/throwaway-servers.ts'

const ROUNDS = 20
const UPDATES_PER_ROUND = 200

const server = await startPostgres()
const client = new pg.Client({ connectionString: server.url })
await client.connect()
const syncproof = createSyncproof({
  service: 'cost',
  // nobody listens: what is measured is the app's side
  url: 'http://127.0.0.1:9',
  fingerprintKey: randomBytes(16).toString('hex'),
  exitTimeoutMs: 0,
  flushTimeoutMs: 0,
  onWarning: () => {},
})
const table =
  'CREATE TABLE candidates (id text PRIMARY KEY, name text, stage text, score int, note text, at timestamptz)'
await client.query(table)
await client.query(
  `INSERT INTO candidates SELECT 'c' || n, 'Ann', 'new', 1, 'x', now() FROM generate_series(1, 100) AS n`,
)
const observed = observe(client)

const update = (on: pg.ClientBase, id: string) =>
  on.query('UPDATE candidates SET name = $1, stage = $2, score = $3, at = $4 WHERE id = $5', [
    randomBytes(4).toString('hex'),
    'hired',
    7,
    new Date(),
    id,
  ])
const wrapped = syncproof.wrap((id: string) => update(observed, id), {
  name: 'update',
  entity: (id) => ({ type: 'candidate', id }),
})
// the same wrapper around the plain statement: what is left is the price of the pre-image
const unobserved = syncproof.wrap((id: string) => update(client, id), {
  name: 'update',
  entity: (id) => ({ type: 'candidate', id }),
})

/** Milliseconds a call. */
async function round(run: (id: string) => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  for (let n = 0; n < UPDATES_PER_ROUND; n += 1) await run(`c${(n % 100) + 1}`)
  return (performance.now() - startedMs) / UPDATES_PER_ROUND
}

const plain: number[] = []
const seen: number[] = []
await round(unobserved)
await round(wrapped)
for (let n = 0; n < ROUNDS; n += 1) {
  plain.push(await round(unobserved))
  seen.push(await round(wrapped))
}
const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const more = median(seen) - median(plain)
process.stdout.write(
  `an update: plain ${median(plain).toFixed(3)} ms, observed ${median(seen).toFixed(3)} ms, ${more.toFixed(3)} ms more\n`,
)
await client.end()
await syncproof.shutdown()
await server.stop()
