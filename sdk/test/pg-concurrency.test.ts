import { parseToken, type WriteEvent } from '@syncproof/core/contract'
import { detectOperation } from '@syncproof/core/detection'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { type PostgresTable, postgresTable } from '../src/pg/index.ts'
import { type AppDatabase, openPostgres } from './pg-engines.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

interface Candidate {
  id: string
  name: string
  stage: string
  updatedAt: Date
}

let server: RecordingServer

const entity = (id: string) => ({ type: 'candidate', id })

const BEFORE_TRIGGER = `
  CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$;
  CREATE TRIGGER pass BEFORE UPDATE OR DELETE ON candidates FOR EACH ROW EXECUTE FUNCTION pass()`

/** The condition of a proof: the write replaced a version that nothing under its root had read or made. */
function isForeign(write: WriteEvent | undefined): boolean {
  return (
    write?.overwritten_version !== undefined &&
    write.overwritten_version !== 'none' &&
    !write.known_versions.includes(write.overwritten_version) &&
    !write.known_incomplete &&
    write.overwritten_by_self === false
  )
}

/** The fields that the detector proves lost by the writer's operation. */
function provenOf(write: WriteEvent | undefined): readonly string[] {
  const events = server
    .events()
    .filter((event) => 'operation_id' in event && event.operation_id === write?.operation_id)
  const process = server.requests[0]?.batch.process
  if (!write || !process) return []
  const { findings } = detectOperation({
    operationId: write.operation_id,
    process,
    events: events.map((event) => ({ ...event, process_id: process.id })),
    complete: true,
    family: [],
  })
  return findings.filter(({ kind }) => kind === 'lost-update').flatMap(({ fields }) => fields)
}

/** Resolves for all when the last of `count` has come. */
function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let missing = count
  return () => {
    missing -= 1
    if (missing === 0) resolve()
    return promise
  }
}

describe('evidence under real concurrency', () => {
  let database: AppDatabase
  let syncproof: Syncproof
  let candidates: PostgresTable<Candidate>

  beforeEach(async () => {
    database = await openPostgres()
    server = await recordingServer()
    syncproof = createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k' })
    candidates = postgresTable<Candidate>(database.pool, 'candidates', { key: 'id' })
    await database.pool.query(`
      CREATE TABLE candidates (id text PRIMARY KEY, name text, stage text, "updatedAt" timestamptz);
      CREATE TABLE notes (id int PRIMARY KEY, candidate text REFERENCES candidates ON UPDATE CASCADE, body text);
      INSERT INTO candidates SELECT 'c' || i, 'Ann', 'new', now() FROM generate_series(1, 4) AS i`)
  })
  afterEach(async () => {
    await syncproof.shutdown()
    await server.close()
    await database.close()
  })

  async function writes(): Promise<WriteEvent[]> {
    await syncproof.flush()
    return server.ofKind('write')
  }

  function spreadMerge(between: () => Promise<void>) {
    return syncproof.wrap(
      async (id: string, updates: Partial<Candidate>) => {
        const existing = await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
        await between()
        const merged = { ...existing, ...updates, updatedAt: new Date() }
        return syncproof.write('db', merged, () => candidates.update({ where: { id }, data: merged }))
      },
      { entity },
    )
  }

  it('of two spread-merges from one base, the later write shows whose value it put back', async () => {
    const merge = spreadMerge(barrier(2))
    await Promise.all([merge('c1', { name: 'Bea' }), merge('c1', { stage: 'hired' })])
    const foreign = (await writes()).filter(isForeign)
    expect(foreign).toHaveLength(1)
    const [write] = foreign
    const reverted = Object.keys(write?.assigned ?? {}).filter(
      (field) =>
        write?.assigned[field] === 'value' &&
        write.overwritten_fields?.[field] !== write.base_fields?.[field] &&
        write.fields[field] === write.base_fields?.[field],
    )
    expect(reverted).toEqual(write?.assigned.name === 'supplied' ? ['stage'] : ['name'])
    expect(provenOf(write)).toEqual(reverted)
  })

  it.each([
    ['without triggers', ''],
    ['with a BEFORE trigger', BEFORE_TRIGGER],
  ])('every version is replaced by one write, whoever wins, %s', async (_how, trigger) => {
    await database.pool.query(trigger)
    const merge = spreadMerge(async () => {})
    const all = Array.from({ length: 120 }, (_, index) =>
      merge(`c${(index % 3) + 1}`, index % 2 ? { name: `n${index}` } : { stage: `s${index}` }),
    )
    await Promise.all(all)
    const seen = await writes()
    expect(seen).toHaveLength(120)
    const overwritten = seen.map((write) => write.overwritten_version)
    expect(new Set(overwritten).size).toBe(120)
    // a chain: all that was made was replaced, but for the last version of each of the three rows
    const left = seen.filter((write) => !overwritten.includes(write.version))
    expect(left).toHaveLength(3)
    expect(seen.some(isForeign)).toBe(true)
    for (const write of seen) expect(write.overwritten_by_self).toBe(false)
  })

  it.each([
    ['an update', 'without triggers', ''],
    ['an update', 'with a BEFORE trigger', BEFORE_TRIGGER],
    ['a delete', 'without triggers', ''],
    ['a delete', 'with a BEFORE trigger', BEFORE_TRIGGER],
  ])('%s names the version that it waited for, %s', async (action, _how, trigger) => {
    await database.pool.query(trigger)
    const other = new pg.Client({ connectionString: database.url })
    await other.connect()
    const { rows } = await other
      .query(`BEGIN; UPDATE candidates SET name = 'Other' WHERE id = 'c1'`)
      .then(() => other.query(`SELECT xmin::text FROM candidates WHERE id = 'c1'`))
    const run = syncproof.wrap(
      (id: string) =>
        syncproof.write('db', {}, () =>
          action === 'an update'
            ? candidates.update({ where: { id }, data: { stage: 'mine' } })
            : candidates.delete({ where: { id } }),
        ),
      { entity },
    )('c1')
    await vi.waitFor(async () => {
      const waiting = await other.query('SELECT FROM pg_locks WHERE NOT granted')
      expect(waiting.rows).toHaveLength(1)
    })
    await other.query('COMMIT')
    await other.end()
    await run
    const [write] = await writes()
    expect(parseToken(write?.overwritten_version ?? '')?.value).toBe(rows[0].xmin)
    expect(isForeign(write)).toBe(true)
  })

  it.each(['read committed', 'repeatable read', 'serializable'] as const)(
    'writes under a row lock replace what they read (%s)',
    async (isolation) => {
      const locked = syncproof.wrap(
        async (id: string, updates: Partial<Candidate>) =>
          candidates.transaction(
            async (table) => {
              const existing = await syncproof.read('db', () =>
                table.findUnique({ where: { id }, lock: 'for update' }),
              )
              const merged = { ...existing, ...updates, updatedAt: new Date() }
              await syncproof.write('db', merged, () => table.update({ where: { id }, data: merged }))
            },
            { isolation },
          ),
        { entity },
      )
      await Promise.allSettled(
        Array.from({ length: 40 }, (_, index) => locked(`c${(index % 2) + 1}`, { name: `n${index}` })),
      )
      const seen = await writes()
      expect(seen.length).toBeGreaterThan(0)
      for (const write of seen) {
        expect(isForeign(write)).toBe(false)
        if (write.outcome === 'ok')
          expect(write).toMatchObject({ guard: 'lock', known_versions: [write.overwritten_version] })
      }
    },
  )

  it('a write of other columns names the foreign version, and only the columns that it set', async () => {
    const met = barrier(2)
    const set = syncproof.wrap(
      async (id: string, data: Partial<Candidate>) => {
        await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
        await met()
        await syncproof.write('db', data, () => candidates.update({ where: { id }, data }))
      },
      { entity },
    )
    await Promise.all([set('c1', { name: 'Bea' }), set('c1', { stage: 'hired' })])
    const seen = await writes()
    expect(seen.filter(isForeign)).toHaveLength(1)
    expect(seen.map((write) => Object.values(write.assigned))).toEqual([['supplied'], ['supplied']])
  })

  it('what a nested operation wrote is not foreign to its caller', async () => {
    const inner = spreadMerge(async () => {})
    const outer = syncproof.wrap(
      async (id: string) => {
        const row = await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
        await inner(id, { name: 'Bea' })
        await syncproof.write('db', row, () =>
          candidates.update({ where: { id }, data: { ...row, stage: 'x' } }),
        )
      },
      { entity },
    )
    await outer('c1')
    const seen = await writes()
    expect(seen).toHaveLength(2)
    expect(seen.filter(isForeign)).toEqual([])
    const [started, nested] = server.ofKind('operation_started')
    expect(nested).toMatchObject({
      parent_operation_id: started?.operation_id,
      root_operation_id: started?.operation_id,
    })
  })

  it('a version by a cascade of an own write is not foreign', async () => {
    await database.pool.query(`INSERT INTO notes VALUES (1, 'c1', 'old')`)
    const notes = postgresTable<{ id: number; body: string }>(database.pool, 'notes', { key: 'id' })
    const rename = syncproof.wrap(
      async (id: string) => {
        const note = await syncproof.read('db', () => notes.findUnique({ where: { id: 1 } }))
        await syncproof.write('db', {}, () => candidates.update({ where: { id }, data: { id: 'c99' } }))
        await syncproof.write('db', note, () => notes.update({ where: { id: 1 }, data: { body: 'new' } }))
      },
      { entity },
    )
    await rename('c1')
    const [, written] = await writes()
    expect(written?.overwritten_version).not.toBe(written?.base_version)
    expect(written?.known_versions).toContain(written?.overwritten_version)
  })

  it('a trigger that changes the row once more, under a savepoint, leaves no foreign version', async () => {
    await database.pool.query(`
      CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF pg_trigger_depth() < 2 THEN
          BEGIN UPDATE candidates SET "updatedAt" = now() WHERE id = NEW.id; EXCEPTION WHEN division_by_zero THEN END;
        END IF;
        RETURN NULL; END $$;
      CREATE TRIGGER touch AFTER UPDATE ON candidates FOR EACH ROW EXECUTE FUNCTION touch()`)
    const twice = syncproof.wrap(
      async (id: string, readsAgain: boolean) => {
        const put = (stage: string, table = candidates) =>
          syncproof.write('db', { stage }, () => table.update({ where: { id }, data: { stage } }))
        await put('a')
        if (readsAgain) await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
        await put('b')
        await candidates.transaction(async (table) => {
          await put('c', table)
          await put('d', table)
        })
      },
      { entity },
    )
    await twice('c1', false)
    await twice('c2', true)
    const seen = await writes()
    const second = (id: string) => seen.filter((write) => write.entity.id === id)[1]
    expect(seen).toHaveLength(8)
    // the first write of an operation knows nothing yet: whatever it replaces is foreign
    const later = ['c1', 'c2'].flatMap((id) => seen.filter((write) => write.entity.id === id).slice(1))
    expect(later.filter(isForeign)).toEqual([])
    expect(second('c1')?.known_incomplete).toBe(true)
    expect(second('c2')).toMatchObject({
      known_versions: expect.arrayContaining([second('c2')?.overwritten_version]),
    })
    expect(second('c2')?.known_incomplete).toBeUndefined()
  })

  it('a trigger before the write that changes another row, under a savepoint, leaves no foreign version', async () => {
    await database.pool.query(`
      CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        BEGIN UPDATE candidates SET name = 'Counted' WHERE id = 'c2'; EXCEPTION WHEN division_by_zero THEN END;
        RETURN NEW; END $$;
      CREATE TRIGGER count_up BEFORE UPDATE ON candidates FOR EACH ROW WHEN (OLD.id = 'c1') EXECUTE FUNCTION count_up()`)
    const update = syncproof.wrap(
      async (id: string) => {
        const existing = await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
        const other = { where: { id: 'c1' }, data: { stage: 'x' } }
        await syncproof.write('db', {}, () => candidates.update(other), { entity: entity('c1') })
        const back = { where: { id }, data: { name: existing?.name ?? '' } }
        await syncproof.write('db', {}, () => candidates.update(back))
      },
      { entity },
    )
    await update('c2')
    const [, back] = await writes()
    expect(back?.entity.id).toBe('c2')
    expect(back?.overwritten_version).not.toBe(back?.base_version)
    expect(isForeign(back)).toBe(false)
  })

  it('a transaction that began to write before the foreign one still knows it for foreign', async () => {
    const update = syncproof.wrap(
      async (id: string, foreignCommit: () => Promise<void>) =>
        candidates.transaction(async (table) => {
          // its transaction id is older than that of the foreign write
          await table.update({ where: { id: 'c4' }, data: { stage: 'busy' } })
          await syncproof.read('db', () => table.findUnique({ where: { id } }))
          await foreignCommit()
          await syncproof.write('db', {}, () => table.update({ where: { id }, data: { stage: 'own' } }))
        }),
      { entity, input: (id) => id },
    )
    await update('c1', async () => {
      await database.pool.query(`UPDATE candidates SET name = 'Foreign' WHERE id = 'c1'`)
    })
    const [before] = await writes()
    expect(isForeign(before)).toBe(true)

    // the foreign one commits while our update waits for it: after the snapshot of our statement
    const other = new pg.Client({ connectionString: database.url })
    await other.connect()
    await update('c2', async () => {
      await other.query(`BEGIN; UPDATE candidates SET name = 'Foreign' WHERE id = 'c2'`)
      void vi
        .waitFor(async () => {
          const { rows } = await other.query(`SELECT FROM pg_locks WHERE NOT granted`)
          expect(rows).toHaveLength(1)
        })
        .then(() => other.query('COMMIT'))
    })
    await other.end()
    expect(isForeign((await writes())[1])).toBe(true)
  })

  it('takes no lock that blocks the insert of a row that refers to the one written', async () => {
    const hold = syncproof.wrap(
      (id: string) =>
        candidates.transaction(async (table) => {
          await syncproof.write('db', {}, () => table.update({ where: { id }, data: { id, stage: 'held' } }))
          const child = await database.pool.connect()
          try {
            await child.query(`SET lock_timeout = '2s'`)
            await child.query(`INSERT INTO notes VALUES (7, 'c1', 'while the row is held')`)
          } finally {
            child.release(true)
          }
        }),
      { entity },
    )
    await hold('c1')
    expect(await writes()).toMatchObject([{ outcome: 'ok' }])
  })

  it('a rolled back own write is not what the next one starts from', async () => {
    const retry = syncproof.wrap(
      async (id: string) => {
        await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
        await candidates
          .transaction(async (table) => {
            await syncproof.write('db', {}, () => table.update({ where: { id }, data: { stage: 'b' } }))
            throw new Error('undo')
          })
          .catch(() => {})
        await database.pool.query(`UPDATE candidates SET name = 'Foreign' WHERE id = '${id}'`)
        await syncproof.write('db', {}, () => candidates.update({ where: { id }, data: { stage: 'b' } }))
      },
      { entity },
    )
    await retry('c1')
    const [, second] = await writes()
    expect(isForeign(second)).toBe(true)
    // else `stage` would look as if it had been put back
    expect(second?.base_fields).toBeUndefined()
  })

  it('a lost connection leaves the outcome unknown, and later knowledge incomplete', async () => {
    const run = syncproof.wrap(
      async (id: string) => {
        const cut = candidates.update({ where: { id }, data: { stage: 'cut' } }).catch(() => {})
        await vi.waitFor(async () => {
          const { rows } = await blocker.query(
            `SELECT pg_terminate_backend(l.pid) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
             WHERE NOT l.granted AND a.datname = current_database()`,
          )
          expect(rows).toHaveLength(1)
        })
        await cut
        await blocker.query('ROLLBACK')
        await syncproof.write('db', {}, () => candidates.update({ where: { id }, data: { stage: 'again' } }))
      },
      { entity },
    )
    const blocker = new pg.Client({ connectionString: database.url })
    await blocker.connect()
    await blocker.query(`BEGIN; UPDATE candidates SET name = 'held' WHERE id = 'c1'`)
    await run('c1')
    await blocker.end()
    expect(await writes()).toMatchObject([{ outcome: 'ok', known_incomplete: true }])
  })
})
