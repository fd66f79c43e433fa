import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openStore } from '@syncproof/store'
import fc from 'fast-check'
import pg from 'pg'
import { hostileBodies } from '../../services/collector/test/hostile-bodies.ts'
import { runCommand, startProgram } from '../testing/start-service.ts'
import { freePort, startPostgres } from '../testing/throwaway-servers.ts'

export interface Fuzzed {
  readonly seed: number
  readonly bodies: number
  readonly byStatus: Readonly<Record<string, number>>
  readonly goodEvents: number
  /** Good events that are not stored. */
  readonly lost: number
  /** Of the collector's event loop. */
  readonly delayMs: { readonly p99: number; readonly max: number }
}

const AT_ONCE = 8
const CHUNK = 200
/** Where the answer is 503 for want of memory, as beside a gzip bomb, a client sends again. */
const TRIES_MAX = 20

/** Sends so many hostile bodies to a collector in a process of its own.
 *  @throws where one is answered by a 500, or the collector ends */
export async function fuzz(bodies: number, seed = Date.now() % 2 ** 31): Promise<Fuzzed> {
  await using opened = new AsyncDisposableStack()
  const postgres = await startPostgres()
  opened.defer(() => postgres.stop())
  runCommand(['migrate', '--database', postgres.url])
  const store = openStore({ url: postgres.url })
  opened.defer(() => store.close())
  const { key } = await store.keys.create('default', 'fuzz', ['ingest'])
  const [port, watchPort] = [await freePort(), await freePort()]
  const program = join(import.meta.dirname, 'watched-collector.ts')
  const collector = await startProgram([program, postgres.url, String(port), String(watchPort)], {})
  opened.defer(() => collector.stop())

  const url = `http://127.0.0.1:${port}/v1/events`
  const arbitrary = hostileBodies({ type: 'candidate', id: randomBytes(8).toString('hex') })
  const byStatus: Record<string, number> = {}
  const good: string[] = []
  for (let done = 0; done < bodies; done += CHUNK) {
    const chunk = fc.sample(arbitrary, { seed: seed + done, numRuns: Math.min(CHUNK, bodies - done) })
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let body = chunk.pop(); body !== undefined; body = chunk.pop()) {
          const { status, text } = await send(url, key, body.payload, body.headers)
          byStatus[status] = (byStatus[status] ?? 0) + 1
          if (status >= 500) throw new Error(`BROKEN: ${status} ${text} (seed ${seed})`)
          if (body.goodId === undefined) continue
          if (status !== 202) throw new Error(`BROKEN: a good event was answered by ${status}: ${text}`)
          good.push(body.goodId)
        }
      }),
    )
  }
  const watched = await fetch(`http://127.0.0.1:${watchPort}/`)
  const delayMs = (await watched.json()) as Fuzzed['delayMs']
  return { seed, bodies, byStatus, goodEvents: good.length, lost: await lostOf(postgres.url, good), delayMs }
}

async function send(url: string, key: string, body: Buffer, headers: Readonly<Record<string, string>>) {
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, ...headers },
      body: new Uint8Array(body),
    })
    const text = await answer.text()
    if (!text.includes('"overloaded"') || tries === TRIES_MAX) return { status: answer.status, text }
  }
}

async function lostOf(database: string, ids: readonly string[]): Promise<number> {
  const client = new pg.Client(database)
  await client.connect()
  try {
    const { rows } = await client.query(
      `select count(*)::int as lost from unnest($1::uuid[]) as sent(id)
       where not exists (select from syncproof.events where events.id = sent.id)`,
      [ids],
    )
    return rows[0].lost
  } finally {
    await client.end()
  }
}
