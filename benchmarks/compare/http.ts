import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { http, page, postgres } from '@syncproof/connectors'
import { compareSides } from '@syncproof/core/comparison'
import pg from 'pg'
import { Agent, request } from 'undici'
import { startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { median } from '../shared/median.ts'

const { values } = parseArgs({
  options: { records: { type: 'string', default: '100000' }, rounds: { type: 'string', default: '5' } },
})
const [RECORDS, ROUNDS] = [values.records, values.rounds].map(Number) as [number, number]
const PAGE_RECORDS = 500
const IN_FLIGHT = 4
const WANTED = { floor: 1.15, cpu: 4 }
const say = (line: string) => process.stdout.write(`${line}\n`)

await using opened = new AsyncDisposableStack()
const server = await startPostgres(false, { shared_buffers: '256MB' })
opened.defer(() => server.stop())
const db = new pg.Client(server.url)
await db.connect()
await db.query(`
  create table people (id text collate "C" primary key, name text, email text, status text, score int, active boolean, city text)`)
await db.query(`
  insert into people select 'k' || lpad(n::text, 8, '0'), 'Name ' || n, 'user' || n || '@example.com',
    (array['active', 'hired', 'rejected'])[1 + n % 3], n % 1000, n % 2 = 0, 'City ' || n % 97
  from generate_series(1, ${RECORDS}) n`)
await db.query('vacuum analyze people')
await db.end()
const api = spawn(process.execPath, [join(import.meta.dirname, 'paged-api.ts'), String(RECORDS)], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
opened.defer(() => void api.kill())
const [port] = await once(api.stdout, 'data')
const url = `http://127.0.0.1:${String(port).trim()}/people`

/** The floor: every page is read to its end, and nothing is made of it. The page behind the last one is asked for, too. */
async function drain(): Promise<number> {
  const agent = new Agent({ connections: IN_FLIGHT })
  const startMs = performance.now()
  const pages = Array.from({ length: RECORDS / PAGE_RECORDS + 1 }, (_, at) => at + 1).values()
  const lane = async () => {
    for (const number of pages) {
      const { body } = await request(`${url}?page=${number}`, { dispatcher: agent })
      await body.arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  await agent.close()
  return performance.now() - startMs
}

async function compare(): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  const source = postgres({ url: server.url, table: 'people', key: 'id' }).open()
  const target = http({
    url,
    records: '$.data',
    key: 'id',
    next: page(),
    inFlight: IN_FLIGHT,
    ordered: true,
  }).open()
  const byType = await source.fieldRules?.()
  const startMs = performance.now()
  const cpu = process.cpuUsage()
  const comparison = compareSides(source, target, { byType }, undefined, new AbortController().signal)
  for await (const suspects of comparison.suspects) throw new Error(`differs: ${JSON.stringify(suspects[0])}`)
  const ms = performance.now() - startMs
  const { user, system } = process.cpuUsage(cpu)
  if (comparison.counts().agreed !== RECORDS)
    throw new Error(`compared ${JSON.stringify(comparison.counts())}`)
  await source.close()
  await target.close()
  return { ms, cpuMs: (user + system) / 1_000 }
}

/** What parsing the same bodies takes, and nothing else. */
async function parse(): Promise<number> {
  const bodies: string[] = []
  for (let number = 1; number <= RECORDS / PAGE_RECORDS; number += 1) {
    bodies.push(await (await request(`${url}?page=${number}`)).body.text())
  }
  const cpu = process.cpuUsage()
  for (const body of bodies) JSON.parse(body)
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / 1_000
}

const rounds: { floor: number; ours: number; cpu: number }[] = []
for (let round = -1; round < ROUNDS; round += 1) {
  const floor = await drain()
  const { ms, cpuMs } = await compare()
  if (round >= 0) rounds.push({ floor, ours: ms, cpu: cpuMs })
}
const parseMs = await parse()
say(
  `${RECORDS} records, pages of ${PAGE_RECORDS}, ${IN_FLIGHT} in flight, ${ROUNDS} rounds, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
)
say(
  `compared with PostgreSQL: ${(median(rounds.map(({ ours }) => ours)) / 1_000).toFixed(2)} s, ${median(rounds.map(({ ours, floor }) => ours / floor)).toFixed(2)} × draining the pages (${(median(rounds.map(({ floor }) => floor)) / 1_000).toFixed(2)} s; wanted ≤ ${WANTED.floor})`,
)
say(
  `CPU: ${(median(rounds.map(({ cpu }) => cpu)) / parseMs).toFixed(1)} × JSON.parse of the bodies (${parseMs.toFixed(0)} ms; wanted ≤ ${WANTED.cpu})`,
)
