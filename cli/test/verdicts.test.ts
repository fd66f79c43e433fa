import { randomUUID } from 'node:crypto'
import { createSyncproof, type Syncproof } from '@syncproof/sdk'
import { postgresTable } from '@syncproof/sdk/pg'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { type Dev, startDev } from '../src/index.ts'

/** Small programs as people write them, from the call to the finding. What nothing proves must not be called
 *  proven, and what is lost must be found. `ext` is another writer, who reports nothing. */
interface Row extends Record<string, unknown> {
  readonly id: string
  readonly score: number
  readonly balance: string
}
type Program = (id: string) => Promise<unknown>

const databases: FreshDatabase[] = []
let dev: Dev
let pool: pg.Pool
let syncproof: Syncproof

beforeAll(async () => {
  const [own, store] = await Promise.all([freshDatabase(), freshDatabase()])
  databases.push(own, store)
  dev = await startDev({ port: 0, metricsPort: 0, database: store.url })
  pool = new pg.Pool({ connectionString: own.url })
  await pool.query(SCHEMA)
  syncproof = createSyncproof({ service: 'verdicts', url: dev.url, apiKey: dev.apiKey })
})

afterAll(async () => {
  await syncproof?.shutdown()
  await pool?.end()
  await dev?.close()
  await Promise.all(databases.map((database) => database.drop()))
})

const SCHEMA = `
  create table c (id text primary key, name text, email text, status text, score int default 0,
    balance numeric(10,2) default 100, updated_by text, lease_until timestamptz, etag text,
    note_count int default 0, updated_at timestamptz default now());
  create view c_view as select * from c;
  create table notes (id text primary key, c_id text);
  create table audit (id text primary key, what text);
  create function count_note() returns trigger language plpgsql as $$ begin
    begin update c set note_count = note_count + 1 where id = new.c_id; exception when others then null; end;
    return new; end $$;
  create trigger counted after insert on notes for each row execute function count_note()`

const table = (name: string) => postgresTable<Row>(pool, name, { key: 'id' })
const find = (id: string, of = 'c') =>
  syncproof.read('db', () => table(of).findUnique({ where: { id } })) as Promise<Row>
const update = (id: string, data: object) =>
  syncproof.write('db', data, () => table('c').update({ where: { id }, data: data as Row }))
const remove = (id: string) => syncproof.write('db', {}, () => table('c').delete({ where: { id } }))
const raw = (text: string, values: unknown[]) => pool.query(text, values)
const sync = (payload: object, answer: () => Promise<unknown>, action: 'update' | 'delete' = 'update') =>
  syncproof.sync('ats', payload, answer, { action })
const taken = async () => ({})
const answers = (status: number) => () => Promise.reject(Object.assign(new Error('refused'), { status }))

async function ext(id: string, column: string, value: unknown): Promise<void> {
  await raw(`update c set ${column} = $2 where id = $1`, [id, value])
}

function operation(run: (id: string, input: object) => Promise<unknown>, input: object = {}): Program {
  const wrapped = syncproof.wrap(async (id: string, given: object) => run(id, given), {
    name: 'program',
    entity: (id) => ({ type: 'c', id }),
    syncs: ['ats'],
  })
  return (id) => wrapped(id, input)
}

class ChangeDto {
  email: string
  constructor(email: string) {
    this.email = email
  }
}

/** What must be found as proven, by program; partial writes are told apart by `syncs`. */
const programs: Record<string, readonly [readonly string[], () => Program]> = {
  // nothing is lost
  'a fresh read through a view': [
    [],
    () =>
      operation(async (id) => {
        await find(id)
        await ext(id, 'score', 5)
        const fresh = await find(id, 'c_view')
        await update(id, { score: fresh.score + 1 })
        await sync({ score: fresh.score + 1 }, taken)
      }),
  ],
  'a fresh read by SQL of its own, marked': [
    [],
    () =>
      operation(async (id) => {
        await find(id)
        await ext(id, 'score', 5)
        const { rows } = await syncproof.read('db', () => raw('select * from c where id = $1', [id]))
        await update(id, { score: rows[0].score + 1 })
        await sync({ score: 6 }, taken)
      }),
  ],
  'a trigger of its own that changes the row, behind SQL of its own, marked': [
    [],
    () =>
      operation(async (id) => {
        await find(id)
        const note = { id: randomUUID(), c_id: id }
        await syncproof.write('db', note, () => raw('insert into notes values ($1, $2)', [note.id, id]), {
          entity: { type: 'note', id: note.id },
        })
        await update(id, { status: 'noted' })
        await sync({ status: 'noted' }, taken)
      }),
  ],
  'a trigger of its own that changes the row in a block that catches': [
    [],
    () =>
      operation(async (id) => {
        await find(id)
        const note = { id: randomUUID(), c_id: id }
        await syncproof.write('db', note, () => table('notes').create({ data: note }), {
          entity: { type: 'note', id: note.id },
        })
        await update(id, { status: 'noted' })
        await sync({ status: 'noted' }, taken)
      }),
  ],
  'a lease, an identifier and a name set anew over those of another': [
    ['write-conflict'],
    () =>
      operation(
        async (id) => {
          await find(id)
          await ext(id, 'lease_until', new Date(Date.now() + 50_000))
          await ext(id, 'etag', 'before')
          await ext(id, 'updated_by', 'bob')
          const change = {
            lease_until: new Date(Date.now() + 60_000),
            etag: randomUUID(),
            updated_by: 'carol',
          }
          await update(id, { ...change, status: 'kept' })
          await sync(change, taken)
        },
        { status: 'kept' },
      ),
  ],
  'a delete that somebody else had made before': [
    [],
    () =>
      operation(async (id) => {
        await find(id)
        await raw('delete from c where id = $1', [id])
        await sync({ id }, taken, 'delete')
        await remove(id)
      }),
  ],
  'a delete of what is gone at the other side': [
    [],
    () =>
      operation(async (id) => {
        await find(id)
        await remove(id)
        await sync({ id }, answers(410), 'delete').catch(() => undefined)
      }),
  ],
  'a row of another table written down beside it': [
    [],
    () =>
      operation(async (id) => {
        await find(id)
        const seen = { id: randomUUID(), what: 'seen' }
        await syncproof.write('db', seen, () => table('audit').create({ data: seen }))
      }),
  ],
  'a write of the same values with a new timestamp': [
    [],
    () =>
      operation(async (id, input) => update(id, { ...(await find(id)), ...input, updated_at: new Date() }), {
        name: 'Ada',
      }),
  ],
  // lost, split
  'a spread over the change of another': [
    ['lost-update'],
    () =>
      operation(
        async (id, input) => {
          const row = await find(id)
          await ext(id, 'name', 'Zed')
          await update(id, { ...row, ...input })
          await sync({ ...row, ...input }, taken)
        },
        { email: 'new@x' },
      ),
  ],
  'a spread of a class instance over the change of another': [
    ['lost-update'],
    () =>
      operation(async (id, input) => {
        const row = await find(id)
        await ext(id, 'name', 'Zed')
        await update(id, { ...row, ...input })
        await sync({ ...row, ...input }, taken)
      }, new ChangeDto('new@x')),
  ],
  'a sum in a numeric column': [
    ['lost-update'],
    () =>
      operation(async (id) => {
        const row = await find(id)
        await ext(id, 'balance', 500)
        const balance = Number(row.balance) + 7
        await update(id, { balance })
        await sync({ balance }, taken)
      }),
  ],
  'a refusal of the database after the other side has taken it': [
    ['partial-write'],
    () =>
      operation(async (id) => {
        const row = await find(id)
        const merged = { ...row, name: 'Bob', score: 2 ** 40 }
        await sync(merged, taken)
        await update(id, merged)
      }),
  ],
  'a refusal of the other side': [
    ['partial-write'],
    () =>
      operation(async (id) => {
        const merged = { ...(await find(id)), name: 'Bob' }
        await update(id, merged)
        await sync(merged, answers(422))
      }),
  ],
}

async function provenKinds(id: string): Promise<readonly string[]> {
  await syncproof.flush()
  await vi.waitFor(
    async () => {
      const { items } = await dev.store.operations.list('default', { entity_id: id }, { limit: 10 })
      expect(items[0]?.finished_at).toEqual(expect.any(String))
      expect(await dev.store.detection.lag()).toMatchObject({ events: 0 })
    },
    { timeout: 30_000, interval: 50 },
  )
  const { items } = await dev.store.findings.list('default', { verdict: 'proven' }, { limit: 500 })
  const own = items.filter((finding) => finding.cause.operation_id !== undefined && finding.details)
  return own
    .filter((finding) => finding.witness.events.some((event) => 'entity' in event && event.entity.id === id))
    .map((finding) => finding.kind)
    .sort()
}

describe('is found proven exactly where the events prove it:', () => {
  it.each(Object.entries(programs))('%s', async (name, [expected, program]) => {
    await raw(`insert into c (id, name, email, status) values ($1, 'Ada', 'old@x', 'new')`, [name])
    await program()(name).catch(() => undefined)
    expect(await provenKinds(name)).toEqual(expected)
  })
})
