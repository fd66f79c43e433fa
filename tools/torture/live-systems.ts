import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

const WRITERS = 24
const SYNC_DELAY_MS_MAX = 150
const PAGE_RECORDS = 500

interface Person {
  readonly id: string
  readonly name: string | null
  readonly score: number
}

/** A table, a copy of it and an API that serves another, kept alike by an app that is right and slow, over calls that fail. */
export interface LiveSystems {
  readonly apiUrl: string
  /** Writes to the table that have reached both copies. */
  readonly written: number
  /** The longest from a commit until both copies had it. */
  readonly slowestMs: number
  /** Answers of the API that were none: refused, cut off, applied and not answered. */
  readonly faults: number
  /** The app ends, with all copies alike. @throws where it has failed */
  settle(): Promise<void>
  close(): Promise<void>
}

/** What differs for good: nobody writes these. By key, the kind and the fields of what a report must say. */
export const PLANTED: Readonly<Record<string, string>> = {
  p1: 'missing-in-target',
  p2: 'unexpected-in-target',
  p3: 'field-mismatch name',
  p4: 'field-mismatch name',
  p5: 'field-mismatch score',
}

/** Fills `people` and `people_copy` of a database and keeps writing. */
export async function startLiveSystems(url: string, records: number): Promise<LiveSystems> {
  const db = new pg.Pool({ connectionString: url, max: WRITERS })
  // a server that is stopped ends connections that were on their way out
  db.on('error', () => {})
  await db.query(`
    create table people (id text primary key, name text, score int not null);
    insert into people select 'k' || n, 'Name ' || n, n % 1000 from generate_series(1, ${records}) n;
    insert into people values ('p1', 'One', 1), ('p3', 'Three', 3), ('p4', null, 4), ('p5', 'Five', 5);
    create table people_copy (like people including all);
    insert into people_copy select * from people where id <> 'p1';
    insert into people_copy values ('p2', 'Two', 2);
    update people_copy set name = 'three' where id = 'p3';
    update people_copy set name = '' where id = 'p4';
    update people_copy set score = 6 where id = 'p5';
    analyze`)
  const { rows } = await db.query<Person>('select id, name, score from people_copy')
  const api = await startFaultyApi(rows)
  const app = startApp(db, api.url, records)
  return {
    apiUrl: api.url,
    get written() {
      return app.written
    },
    get slowestMs() {
      return app.slowestMs
    },
    get faults() {
      return api.faults
    },
    settle: app.stop,
    async close() {
      await app.stop().catch(() => {})
      await api.close()
      await db.end()
    },
  }
}

/** One write of a record at a time, and its syncs before the next one. */
function startApp(db: pg.Pool, apiUrl: string, records: number) {
  const busy = new Set<string>()
  let stopped = false
  const app = { written: 0, slowestMs: 0 }

  async function write(id: string): Promise<void> {
    const person = Math.random() < 0.15 ? null : { id, name: `Name ${Math.random()}`, score: someScore() }
    await put(db, 'people', id, person)
    const committedMs = performance.now()
    await Promise.all([
      delay(Math.random() * SYNC_DELAY_MS_MAX).then(() => put(db, 'people_copy', id, person)),
      delay(Math.random() * SYNC_DELAY_MS_MAX).then(() => send(apiUrl, id, person)),
    ])
    app.slowestMs = Math.max(app.slowestMs, performance.now() - committedMs)
    app.written += 1
  }
  async function writer(): Promise<void> {
    while (!stopped) {
      // some keys are new, and some are written again and again
      const id = `k${Math.ceil(Math.random() ** 2 * records * 1.05)}`
      if (busy.has(id)) continue
      busy.add(id)
      await write(id)
      busy.delete(id)
    }
  }
  const writers = Promise.all(Array.from({ length: WRITERS }, writer))
  writers.catch(() => {})
  return Object.assign(app, {
    async stop() {
      stopped = true
      await writers
    },
  })
}

function someScore(): number {
  return Math.floor(Math.random() * 1000)
}

async function put(db: pg.Pool, table: string, id: string, person: Person | null): Promise<void> {
  if (person === null) await db.query(`delete from ${table} where id = $1`, [id])
  else {
    await db.query(
      `insert into ${table} values ($1, $2, $3) on conflict (id) do update set name = $2, score = $3`,
      [id, person.name, person.score],
    )
  }
}

/** The same again until it is answered. */
async function send(apiUrl: string, id: string, person: Person | null): Promise<void> {
  for (;;) {
    const answer = await fetch(`${apiUrl}/people/${id}`, {
      method: person === null ? 'DELETE' : 'PUT',
      ...(person === null ? {} : { body: JSON.stringify(person) }),
    }).catch(() => undefined)
    if (answer?.ok) return
    await delay(5)
  }
}

/** Lists by pages with a number, in the order of its keys: what is written meanwhile moves records between two pages. */
async function startFaultyApi(people: readonly Person[]) {
  const byId = new Map(people.map((person) => [person.id, person]))
  let faults = 0
  const seldom = (share: number) => {
    const happens = Math.random() < share
    if (happens) faults += 1
    return happens
  }
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const id = url.pathname.split('/')[2]
    await delay(Math.random() * (Math.random() < 0.02 ? 200 : 10))
    if (seldom(0.03)) return answer(response, 503, {})
    if (request.method !== 'GET' && id !== undefined) {
      const body = await textOf(request)
      if (request.method === 'DELETE') byId.delete(id)
      else byId.set(id, JSON.parse(body))
      // it is done, and nobody is told
      return seldom(0.03) ? void response.destroy() : answer(response, 200, {})
    }
    if (id !== undefined) {
      const person = byId.get(id)
      return answer(response, person ? 200 : 404, person ?? {})
    }
    const from = (Number(url.searchParams.get('page')) - 1) * PAGE_RECORDS
    const page = { data: [...byId.values()].sort(byKey).slice(from, from + PAGE_RECORDS) }
    if (!seldom(0.01)) return answer(response, 200, page)
    response.writeHead(200, { 'content-type': 'application/json' })
    return void response.end(JSON.stringify(page).slice(0, 1_000))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    get faults() {
      return faults
    },
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function byKey(one: Person, other: Person): number {
  return one.id < other.id ? -1 : 1
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
