import { spawn } from 'node:child_process'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { postgres } from '@syncproof/connectors'
import { compareSides } from '@syncproof/core/comparison'
import pg from 'pg'
import { startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { median } from '../shared/median.ts'
import { countingProxy } from './counting-proxy.ts'
import { fill, KINDS } from './tables.ts'

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '5' } },
})
const [ROWS, ROUNDS] = [values.rows, values.rounds].map(Number) as [number, number]
const DIFFERENCES = 1_000
const say = (line: string) => process.stdout.write(`${line}\n`)
const WANTED = { differing: 1.3, same: 2, bytesShare: 0.01, memoryMb: 100 }

await using opened = new AsyncDisposableStack()
const server = await startPostgres(false, {
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  wal_level: 'minimal',
  max_wal_senders: '0',
})
opened.defer(() => server.stop())
const db = new pg.Pool({ connectionString: server.url, max: 2 })
opened.defer(() => db.end())
await fill(db, ROWS, DIFFERENCES)

interface Compared {
  readonly seconds: number
  readonly suspects: Readonly<Record<string, number>>
  readonly agreed: number
}

/** The shipped path, as the reconciler takes it. */
async function compare(target: string): Promise<Compared> {
  const sides = ['records', target].map((table) => postgres({ url: server.url, table, key: 'id' }).open())
  const [one, other] = sides
  if (one === undefined || other === undefined) throw new Error('there are two sides')
  const startMs = performance.now()
  const byType = await one.fieldRules?.()
  const comparison = compareSides(one, other, { byType }, undefined, new AbortController().signal)
  const suspects: Record<string, number> = {}
  for await (const batch of comparison.suspects) {
    for (const { kind, fields } of batch) {
      const name = [kind, ...fields].join(' ')
      suspects[name] = (suspects[name] ?? 0) + 1
    }
  }
  const seconds = (performance.now() - startMs) / 1_000
  for (const side of sides) await side.close()
  return { seconds, suspects, agreed: comparison.counts().agreed }
}

/** A command of the shell; psql sends what COPY gives. */
async function shell(command: string): Promise<{ readonly seconds: number; readonly out: string }> {
  const startMs = performance.now()
  const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
  return { seconds: (performance.now() - startMs) / 1_000, out }
}

const psql = (statement: string) => `psql '${server.url}' -qc "${statement}"`
const sorted = (table: string) =>
  psql(`copy (select * from ${table} order by id::text collate \\"C\\") to stdout`)
const plain = (table: string) => psql(`copy ${table} to stdout`)

const rounds: Record<'differing' | 'comm' | 'same' | 'copies', number>[] = []
let exact = true
let last: Compared | undefined
for (let round = -1; round < ROUNDS; round += 1) {
  const comm = await shell(`comm -3 <(${sorted('records')}) <(${sorted('copies')}) | wc -l`)
  const differing = await compare('copies')
  const copies = await shell(`${plain('records')} > /dev/null & ${plain('twins')} > /dev/null; wait`)
  const same = await compare('twins')
  last = differing
  exact &&= Object.keys(same.suspects).length === 0 && same.agreed === ROWS
  for (const [kind, count] of Object.entries(KINDS(DIFFERENCES))) exact &&= differing.suspects[kind] === count
  if (round < 0) continue
  rounds.push({
    ...{ differing: differing.seconds, comm: comm.seconds },
    ...{ same: same.seconds, copies: copies.seconds },
  })
}

const of = (name: keyof (typeof rounds)[number]) => median(rounds.map((round) => round[name]))
const ratio = (a: keyof (typeof rounds)[number], b: keyof (typeof rounds)[number]) =>
  median(rounds.map((round) => round[a] / round[b]))
const { rows } = await db.query(`select pg_total_relation_size('records')::float8 / 1e6 as mb`)
say(
  `${ROWS} rows a side (${Math.round(rows[0].mb)} MB), ${ROUNDS} rounds, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
)
say(
  `exactly the ${DIFFERENCES} differences of five kinds, and none: ${exact ? 'yes' : `NO: ${JSON.stringify(last)}`}`,
)
say(
  `${DIFFERENCES} differences: ${of('differing').toFixed(2)} s, ${ratio('differing', 'comm').toFixed(2)} × both sorted COPYs through comm -3 (${of('comm').toFixed(2)} s; wanted ≤ ${WANTED.differing})`,
)
say(
  `no difference: ${of('same').toFixed(2)} s, ${ratio('same', 'copies').toFixed(2)} × both plain COPYs at once (${of('copies').toFixed(2)} s; wanted ≤ ${WANTED.same})`,
)
const memory = join(import.meta.dirname, 'memory.ts')
const { out: memoryMb } = await shell(`'${process.execPath}' '${memory}' '${server.url}'`)
say(
  `resident memory of a process that compares: ${memoryMb.trim()} MB more than idle, at its most (wanted ≤ ${WANTED.memoryMb})`,
)
const sent = await bytesSent()
say(
  `bytes sent by both servers without a difference: ${(sent.ours / 1e6).toFixed(2)} MB, ${((100 * sent.ours) / sent.copies).toFixed(2)} % of the COPYs' (wanted ≤ ${100 * WANTED.bytesShare} %)`,
)
if (!exact) process.exitCode = 1

/** Counted on the wire, by a proxy between. */
async function bytesSent(): Promise<{ readonly ours: number; readonly copies: number }> {
  const proxy = await countingProxy(server.url)
  const sides = ['records', 'twins'].map((table) => postgres({ url: proxy.url, table, key: 'id' }).open())
  const [one, other] = sides
  if (one === undefined || other === undefined) throw new Error('there are two sides')
  const byType = await one.fieldRules?.()
  for await (const _ of compareSides(one, other, { byType }, undefined, new AbortController().signal)
    .suspects);
  const ours = proxy.sent()
  for (const side of sides) await side.close()
  await proxy.close()
  const { out } = await shell(`(${plain('records')}; ${plain('twins')}) | wc -c`)
  return { ours, copies: Number(out) }
}
