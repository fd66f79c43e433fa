import { createFingerprinter } from '@syncproof/core/contract'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FINGERPRINT_KEY, PROJECT, reporter } from './support/events.ts'
import { candidates, openWorld, type World } from './support/world.ts'

const fingerprinter = createFingerprinter(FINGERPRINT_KEY)
const hashOf = (id: string) => fingerprinter.entityId({ type: 'candidate', id })

let world: World
let store: pg.Pool
beforeEach(async () => {
  world = await openWorld('PostgreSQL', candidates(150))
  store = new pg.Pool({ connectionString: world.url, max: 1 })
  store.on('error', () => {})
})
afterEach(async () => {
  await store.end()
  await world.close()
})

const start = () => world.start(world.pair({ entityId: 'hashed' }))

/** Three records that diverge, one in each way. */
async function diverge(): Promise<void> {
  await world.db.query(`update candidates set name = 'Never sent' where id = 'k00002'`)
  world.ats.records.delete('k00003')
  await world.db.query(`delete from candidates where id = 'k00004'`)
}

/** Every row of the store, as text. */
async function everything(): Promise<string> {
  const { rows } = await store.query<{ table: string }>(
    `select format('%I.%I', table_schema, table_name) as table from information_schema.tables
     where table_schema = 'syncproof' and table_type = 'BASE TABLE'`,
  )
  const texts: string[] = []
  for (const { table } of rows) {
    const all = await store.query<{ text: string }>(`select t::text as text from ${table} as t`)
    texts.push(...all.rows.map(({ text }) => text))
  }
  return texts.join('\n')
}

describe('a pair with hashed ids', () => {
  it('is compared by hashes, and no key is kept: not in reports, findings or what is staged', async () => {
    await store.query(`
      create table public.seen (key text);
      create function public.see() returns trigger language plpgsql as
        $$ begin insert into public.seen values (new.key); return new; end $$;
      create trigger see before insert on syncproof.staged_records for each row execute function public.see()`)
    await start()
    await diverge()
    const report = await world.reconcile()
    expect(report).toMatchObject({
      result: 'diverged',
      coverage: { source_records: 149, target_records: 149, compared: 150, indeterminate: 0 },
    })
    const findings = await world.findings()
    expect(findings.map(({ kind, entity }) => [kind, entity?.id]).sort()).toEqual([
      ['field-mismatch', hashOf('k00002')],
      ['missing-in-target', hashOf('k00003')],
      ['unexpected-in-target', hashOf('k00004')],
    ])
    const { rows } = await store.query<{ key: string }>('select key from public.seen')
    expect(rows).toHaveLength(298)
    expect(rows.filter(({ key }) => /k00\d\d\d/.test(key))).toEqual([])
    const kept = await everything()
    expect(kept).toContain(hashOf('k00002'))
    expect(/k00\d\d\d/.exec(kept)).toBeNull()
    expect(/k00\d\d\d/.exec(world.logged.join('\n'))).toBeNull()
  })

  it('explains a divergence by the events of the app, which hashes the id alike, and ends it when it is mended', async () => {
    await start()
    await diverge()
    const app = reporter()
    const { operationId, events } = app.sync({ type: 'candidate', id: hashOf('k00002') }, 'rejected')
    await app.append(world.store, events)
    await world.reconcile()
    const [mismatch] = await world.findings({ kind: 'field-mismatch' })
    expect(mismatch?.cause).toMatchObject({ operation_id: operationId, operation: 'syncCandidate' })
    const { rows } = await world.db.query(`select * from candidates where id = 'k00002'`)
    world.ats.records.set('k00002', rows[0])
    await world.reconcile()
    expect(await world.findings({ kind: 'field-mismatch' })).toMatchObject([{ status: 'resolved' }])
    expect(await world.findings({ kind: 'missing-in-target' })).toMatchObject([{ status: 'open' }])
  })

  it('leaves an unknown outcome open until a listing shows whose it is', async () => {
    await start()
    const app = reporter()
    await app.append(world.store, app.sync({ type: 'candidate', id: hashOf('k00005') }, 'unknown').events)
    await app.append(world.store, app.sync({ type: 'candidate', id: hashOf('gone') }, 'unknown').events)
    await vi.waitFor(async () => expect(await world.findings({ kind: 'unknown-outcome' })).toHaveLength(2), {
      timeout: 20_000,
    })
    const asked = await world.reconcile([hashOf('k00005')])
    expect(asked).toMatchObject({ result: 'unknown', coverage: { indeterminate: 1 } })
    expect(asked.problem?.detail).toContain('could not be decided')
    expect(world.ats.asked).toEqual([])
    expect(await world.findings({ status: 'resolved' })).toEqual([])

    // within its grace it may still arrive: a later run ends it
    await vi.waitFor(
      async () => {
        expect(await world.reconcile()).toMatchObject({ result: 'clean' })
        const resolved = await world.findings({ status: 'resolved' })
        expect(resolved.map(({ entity }) => entity?.id)).toEqual([hashOf('k00005')])
      },
      { timeout: 20_000 },
    )
    const open = await world.findings({ status: 'open' })
    expect(open.map(({ kind, entity }) => [kind, entity?.id])).toEqual([['unknown-outcome', hashOf('gone')]])
    const { items } = await world.store.reports.list(PROJECT, {}, { limit: 100 })
    expect(items.filter(({ trigger }) => trigger === 'unknown-outcome')).toEqual([])
  })

  it('still refuses a source that lists one key twice', async () => {
    await world.db.query('alter table candidates drop constraint candidates_pkey')
    await world.db.query(`insert into candidates values ('k00002', 'Twin', 'active')`)
    await start()
    expect(await world.reconcile()).toMatchObject({ result: 'unknown', problem: { code: 'duplicate_key' } })
    expect(await world.findings()).toEqual([])
  })

  it('reads one record for who has its id, and calls it by its hash', async () => {
    await start()
    await diverge()
    expect(await world.reconcile(['k00002', hashOf('k00002')])).toMatchObject({
      result: 'diverged',
      coverage: { compared: 1, indeterminate: 0 },
    })
    expect(await world.findings()).toMatchObject([
      { kind: 'field-mismatch', entity: { id: hashOf('k00002') } },
    ])
    expect(world.ats.listings).toBe(0)
    const { items } = await world.store.reports.list(PROJECT, {}, { limit: 1 })
    expect(items[0]?.keys).toEqual([hashOf('k00002')])
    expect(/k00\d\d\d/.exec(await everything())).toBeNull()
  })

  it('ends what it found of a record that is then deleted on both sides, which no listing shows', async () => {
    await start()
    await diverge()
    await world.reconcile()
    await world.db.query(`delete from candidates where id = 'k00003'`)
    world.ats.records.delete('k00004')
    expect(await world.reconcile()).toMatchObject({ result: 'diverged', problem: null })
    const resolved = await world.findings({ status: 'resolved' })
    expect(resolved.map(({ entity }) => entity?.id).sort()).toEqual(
      [hashOf('k00003'), hashOf('k00004')].sort(),
    )
    expect(world.ats.asked).toContain('k00004')
  })

  it('leaves it open and says so where it has been started again since: nobody knows the key any more', async () => {
    await start()
    world.ats.records.delete('k00003')
    await world.reconcile()
    await world.closeReconcilers()
    await start()
    await world.db.query(`delete from candidates where id = 'k00003'`)
    expect(await world.reconcile()).toMatchObject({
      result: 'clean',
      problem: { code: 'records_not_listed', detail: expect.stringContaining('1 records') },
    })
    expect(await world.findings()).toMatchObject([{ kind: 'missing-in-target', status: 'open' }])
  })

  it('finds again under its hash what was found under the id before ids were hashed', async () => {
    await world.start()
    world.ats.records.delete('k00003')
    await world.reconcile()
    await world.closeReconcilers()
    await start()
    await world.reconcile()
    const findings = await world.findings({ kind: 'missing-in-target' })
    expect(new Map(findings.map(({ entity, status }) => [entity?.id, status]))).toEqual(
      new Map([
        ['k00003', 'resolved'],
        [hashOf('k00003'), 'open'],
      ]),
    )
  })

  it('says where the app calls the records otherwise, and settles nothing by a hash that it takes for a key', async () => {
    const app = reporter()
    const entity = { type: 'candidate', id: hashOf('k00005') }
    await app.append(world.store, app.sync(entity, 'unknown').events)
    await world.start()
    await vi.waitFor(async () => expect(await world.findings()).toHaveLength(1), { timeout: 20_000 })
    const { first_seen_at = '' } = (await world.findings())[0] ?? {}
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(Date.parse(first_seen_at) + 1_000), {
      timeout: 20_000,
    })
    expect(await world.reconcile()).toMatchObject({
      result: 'clean',
      problem: { code: 'ids_named_otherwise', detail: expect.stringContaining('on the pair too') },
    })
    expect(await world.reconcile([entity.id])).toMatchObject({ result: 'unknown' })
    expect(await world.findings()).toMatchObject([{ kind: 'unknown-outcome', status: 'open' }])
    expect(world.ats.asked).toEqual([])
  })

  it.each([
    ['as it is', 'k00005', 'as they are'],
    [
      'hashed with another key',
      createFingerprinter('other').entityId({ type: 'candidate', id: 'k00005' }),
      'another key',
    ],
  ])('says that the app sends the id %s', async (_, id, said) => {
    const app = reporter()
    await app.append(world.store, app.sync({ type: 'candidate', id }, 'ok').events)
    await start()
    await vi.waitFor(
      async () =>
        expect((await world.reconcile()).problem).toEqual({
          code: 'ids_named_otherwise',
          detail: expect.stringContaining(said),
        }),
      { timeout: 20_000 },
    )
  })
})
