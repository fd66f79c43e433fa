import { setTimeout as pause } from 'node:timers/promises'
import { env } from 'syncproof'
import { createSchema } from '../src/schema.ts'
import { ATS_TIMEOUT_MS, startAts } from './ats.ts'
import { makeCandidates } from './candidates.ts'
import { startChild } from './children.ts'
import { openPool } from './databases.ts'
import { seed } from './story.ts'
import { driveTraffic, planTraffic } from './traffic.ts'

// The app, the ATS and traffic, without an end, reporting to a Syncproof that runs elsewhere: SYNCPROOF_URL,
// SYNCPROOF_API_KEY, SYNCPROOF_FINGERPRINT_KEY. The app is at PORT, the ATS at ATS_PORT, its database at DATABASE_URL.
// A reconciler compares them by syncproof.config.ts, with ATS_READ_URL.

const SEED = 'live'
const CANDIDATES = 60
const CLIENTS = 6
const REQUESTS_A_ROUND = 20
const ROUND_PAUSE_MS = 5_000

const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())

await using opened = new AsyncDisposableStack()
const candidates = makeCandidates(SEED, CANDIDATES, new Date())
const candidateIds = candidates.map(({ id }) => id)
const host = process.env.HOST ?? '127.0.0.1'
const ats = await startAts(SEED, candidates, { host, port: Number(process.env.ATS_PORT ?? 3001) })
opened.defer(() => ats.stop())

// the ATS begins anew with each start, and the app with it
const database = env('DATABASE_URL')
const { pool, close } = openPool(database, 2)
opened.defer(close)
await createSchema(pool)
await pool.query('truncate candidates')
await seed(pool, candidates)

const app = startChild('the app', new URL('../src/main.ts', import.meta.url), [], {
  ...{ DATABASE_URL: database, ATS_URL: ats.proxy.url, ATS_TIMEOUT_MS: String(ATS_TIMEOUT_MS), HOST: host },
  ...{ PORT: process.env.PORT ?? '3000', SYNCPROOF_URL: env('SYNCPROOF_URL') },
  ...{
    SYNCPROOF_API_KEY: env('SYNCPROOF_API_KEY'),
    SYNCPROOF_FINGERPRINT_KEY: env('SYNCPROOF_FINGERPRINT_KEY'),
  },
})
opened.defer(() => app.stop())
const appUrl = await app.line((line) => (line.startsWith('http://') ? line : undefined))
process.stdout.write(`app ${appUrl}, ATS ${ats.url}\n`)
void app.ended.then(() => stop.abort())

for (let round = 0; !stop.signal.aborted; round += 1) {
  const steps = planTraffic({ seed: `${SEED} ${round}`, requests: REQUESTS_A_ROUND, candidateIds })
  await driveTraffic(appUrl, steps, { clients: CLIENTS, log: [], signal: stop.signal })
  await pause(ROUND_PAUSE_MS, undefined, { signal: stop.signal }).catch(() => {})
}
