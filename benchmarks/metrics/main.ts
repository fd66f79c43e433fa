import { randomBytes } from 'node:crypto'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { openStore } from '../../store/src/index.ts'
import { runCommand, startService } from '../../tools/testing/start-service.ts'
import { freePort, startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { median } from '../shared/median.ts'

const { values } = parseArgs({ options: { findings: { type: 'string', default: '1000000' } } })
const FINDINGS = Number(values.findings)
/** As many kinds of entities, and as many names of functions: code that puts an id into a name. */
const NAMES = 10_000
const ROUNDS = 20
/** Figures of this age are read again. */
const TTL_MS = 1_000
const WANTED = { bytes: 1_000_000, ms: 50 }

await using opened = new AsyncDisposableStack()
const postgres = await startPostgres(false)
opened.defer(() => postgres.stop())
runCommand(['migrate', '--database', postgres.url])
const pool = new pg.Pool({ connectionString: postgres.url })
opened.defer(() => pool.end())
const store = openStore({ url: postgres.url })
opened.defer(() => store.close())

const storeS = await seconds(storeFindings)
const foldS = await seconds(async () => {
  while (!(await store.counts.fold()));
})
await pool.query('vacuum analyze syncproof.findings')
const url = await startCollector()
// the first one reads its code, too
await scrape(url)
const scrapes = { fresh: [] as number[], shared: [] as number[], sums: [] as number[] }
let text = ''
for (let round = 0; round < ROUNDS; round++) {
  await new Promise((resolve) => setTimeout(resolve, TTL_MS + 100))
  const sumStartMs = performance.now()
  await pool.query('select kind, verdict, status, count(*) from syncproof.findings group by 1, 2, 3')
  scrapes.sums.push(performance.now() - sumStartMs)
  const fresh = await scrape(url)
  scrapes.fresh.push(fresh.ms)
  scrapes.shared.push((await scrape(url)).ms)
  text = fresh.text
}
const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
const fresh = median(scrapes.fresh)
const shared = median(scrapes.shared)
const sums = median(scrapes.sums)
const load = loadavg()[0]?.toFixed(1)
process.stdout.write(`${FINDINGS} findings of ${NAMES} kinds of entities by ${NAMES} functions, ${cpus().length} cores, load ${load}
stored in ${storeS.toFixed(1)} s, what they changed added up in ${foldS.toFixed(1)} s
a scrape that reads the database: ${fresh.toFixed(1)} ms at the median, ${Math.max(...scrapes.fresh).toFixed(1)} ms at the most (wanted ≤ ${WANTED.ms})
  ${(fresh / sums).toFixed(3)} × summing the findings by kind, verdict and status (${sums.toFixed(1)} ms), ${(fresh / shared).toFixed(1)} × one that shares the figures of another (${shared.toFixed(1)} ms)
${series} series, ${(Buffer.byteLength(text) / 1_000).toFixed(0)} kB (wanted ≤ ${WANTED.bytes / 1_000})
`)
process.exitCode = fresh <= WANTED.ms && Buffer.byteLength(text) <= WANTED.bytes ? 0 : 1

async function seconds(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1_000
}

/** In statements of a thousand, as a busy reconciler might. Half are divergences, of which half are open. */
async function storeFindings(): Promise<void> {
  await pool.query(
    `do $$ begin
      for chunk in 0 .. $1 / 1000 - 1 loop
        insert into syncproof.findings (project_id, id, kind, verdict, severity, status, entity_type, entity_id,
          entity_hash, operation, fields, summary, cause, witness, details, occurred_at, first_seen_at, last_seen_at,
          occurrences, resolution)
        select 'p', 'f_' || n, case when n % 2 = 0 then 'field-mismatch' else 'lost-update' end,
          case when n % 2 = 0 then 'observed' else 'proven' end, 'high',
          case when n % 4 = 0 then 'resolved' else 'open' end, 'type ' || n % ${NAMES}, n::text,
          syncproof.entity_hash('type ' || n % ${NAMES}, n::text), 'sync ' || n % ${NAMES}, '[]', 'x',
          jsonb_build_object('operation', 'sync ' || n % ${NAMES}), '{}',
          case when n % 2 = 0 then '{"target":"ats","baseline":false}'::jsonb else '{}' end, now(), now(), now(), 1,
          case when n % 4 = 0 then '{"at":"2026-11-20T00:00:00Z","why":"x"}'::jsonb end
        from generate_series(chunk * 1000, chunk * 1000 + 999) as n;
        commit;
      end loop; end $$`.replace('$1', String(FINDINGS)),
  )
}

async function startCollector(): Promise<string> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const ports = ['--port', String(port), '--metrics-port', String(metricsPort)]
  const secrets = { SYNCPROOF_API_KEY: randomBytes(16).toString('hex'), SYNCPROOF_LOG_LEVEL: 'warn' }
  const collector = await startService(['collector', '--database', postgres.url, ...ports], secrets)
  opened.defer(() => collector.stop())
  return `http://127.0.0.1:${metricsPort}/metrics`
}

async function scrape(url: string): Promise<{ readonly ms: number; readonly text: string }> {
  const startMs = performance.now()
  const text = await (await fetch(url)).text()
  return { ms: performance.now() - startMs, text }
}
