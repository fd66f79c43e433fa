import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { type PostgresTable, postgresTable } from '../src/pg/index.ts'
import { exclusive } from '../src/section/index.ts'
import { type AppDatabase, eachDatabase, openPostgres } from './pg-engines.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

interface Candidate {
  id: string
  stage: string
}

eachDatabase('a declared section', (open) => {
  let database: AppDatabase
  let server: RecordingServer
  let syncproof: Syncproof
  let candidates: PostgresTable<Candidate>

  beforeAll(async () => {
    database = await open()
    await database.pool.query('CREATE TABLE candidates (id text PRIMARY KEY, stage text)')
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    server = await recordingServer()
    syncproof = createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k' })
    candidates = postgresTable<Candidate>(database.pool, 'candidates', { key: 'id' })
    await database.pool.query(
      `TRUNCATE candidates; INSERT INTO candidates VALUES ('c1', 'new'), ('c2', 'new')`,
    )
  })
  afterEach(async () => {
    await syncproof.shutdown()
    await server.close()
  })

  const entity = (id: string) => ({ type: 'candidate', id })
  const where = { id: 'c1' }
  const write = (table: PostgresTable<Candidate>) =>
    syncproof.write('db', {}, () => table.update({ where, data: { stage: 'hired' } }))
  const read = (table: PostgresTable<Candidate>, lock?: 'for update' | 'for share') =>
    syncproof.read('db', () => table.findUnique({ where, lock }))

  /** Runs `body` as a section on c1 inside an operation, and gives the events. */
  async function section(
    body: () => Promise<unknown>,
    protection: 'row_lock' | 'advisory_lock' = 'row_lock',
  ) {
    await syncproof.wrap((id: string) => exclusive('hire', entity(id), { protection }, body), { entity })(
      'c1',
    )
    await syncproof.flush()
    return { entered: server.ofKind('section_entered'), left: server.ofKind('section_left') }
  }

  it('with FOR UPDATE in a transaction holds its lock, from the answer until the commit is sent', async () => {
    const { entered, left } = await section(() =>
      candidates.transaction(async (table) => {
        await read(table, 'for update')
        await write(table)
      }),
    )
    const [transaction] = server.ofKind('transaction_finished')
    const facts = { name: 'hire', entity: entity('c1'), protection: 'row_lock', locked: true }
    expect(entered).toMatchObject([{ ...facts, transaction: transaction?.transaction }])
    expect(left).toMatchObject([{ ...facts, transaction: transaction?.transaction }])
    expect(server.ofKind('write')).toMatchObject([{ section: { name: 'hire', base_read_inside: true } }])
    const [locking] = server.ofKind('read')
    const [written] = server.ofKind('write')
    const answeredUs = (locking?.monotonic_us ?? 0) + (locking?.duration_us ?? 0)
    const committedUs = (transaction?.monotonic_us ?? 0) + (transaction?.duration_us ?? 0)
    expect(entered[0]?.monotonic_us).toBeGreaterThanOrEqual(answeredUs)
    expect(left[0]?.monotonic_us).toBeGreaterThanOrEqual(
      (written?.monotonic_us ?? 0) + (written?.duration_us ?? 0),
    )
    expect(left[0]?.monotonic_us).toBeLessThan(committedUs)
  })

  it('with FOR UPDATE in autocommit holds nothing', async () => {
    const { entered, left } = await section(async () => {
      await read(candidates, 'for update')
      await write(candidates)
    })
    expect(entered).toMatchObject([{ locked: false, transaction: 'none' }])
    expect(left).toMatchObject([{ locked: false }])
    expect(server.ofKind('write')).toMatchObject([{ section: { name: 'hire', base_read_inside: true } }])
  })

  it.each(['in a transaction', 'in autocommit'])(
    'whose FOR UPDATE was optimised away holds nothing, %s',
    async (how) => {
      const body = async (table: PostgresTable<Candidate>) => {
        await read(table)
        await write(table)
      }
      const { entered } = await section(() =>
        how === 'in autocommit' ? body(candidates) : candidates.transaction(body),
      )
      expect(entered).toMatchObject([{ locked: false }])
      expect(server.ofKind('write')).toMatchObject([{ section: { base_read_inside: true } }])
    },
  )

  it('that reads first and locks then is held from the lock on', async () => {
    const { entered } = await section(() =>
      candidates.transaction(async (table) => {
        await read(table)
        await read(table, 'for update')
        await write(table)
      }),
    )
    expect(entered).toMatchObject([{ locked: true }])
    expect(entered[0]?.monotonic_us).toBeGreaterThan(server.ofKind('read')[1]?.monotonic_us ?? 0)
  })

  it('that locks in vain first, and then in a transaction, is held from that on', async () => {
    const { entered } = await section(async () => {
      await read(candidates, 'for update')
      await candidates.transaction((table) => read(table, 'for update'))
    })
    expect(entered).toMatchObject([{ locked: true }])
    expect(entered[0]?.transaction).not.toBe('none')
  })

  it.each([
    ['before it reads', ['write', 'read', 'write']],
    ['between two reads', ['read', 'write', 'read']],
    ['after it has read', ['read', 'write', 'write']],
  ])('whose lock an update may take, %s, is not said to hold nothing', async (_, steps) => {
    const { entered } = await section(() =>
      candidates.transaction(async (table) => {
        for (const step of steps) await (step === 'read' ? read(table) : write(table))
      }),
    )
    expect(entered).toEqual([])
  })

  it('that reads nothing does not take what was read before it for its own', async () => {
    await syncproof.wrap(
      async (id: string) => {
        await read(candidates)
        await exclusive('hire', entity(id), { protection: 'row_lock' }, () => write(candidates))
      },
      { entity },
    )('c1')
    await syncproof.flush()
    expect(server.ofKind('write')).toMatchObject([{ section: { name: 'hire', base_read_inside: false } }])
  })

  it('whose locking read finds no row is not checked', async () => {
    await database.pool.query('TRUNCATE candidates')
    const { entered } = await section(() => candidates.transaction((table) => read(table, 'for update')))
    expect(entered).toHaveLength(1)
    expect(entered[0]).not.toHaveProperty('locked')
  })

  it('that only waits for an unseen lock and reads in autocommit is not judged', async () => {
    expect(await section(() => read(candidates))).toEqual({ entered: [], left: [] })
  })

  it('is left when a savepoint with its lock is undone', async () => {
    const { left } = await section(() =>
      candidates.transaction(async (table) => {
        const undone = table.transaction(async (inner) => {
          await read(inner, 'for update')
          throw new Error('no')
        })
        await expect(undone).rejects.toThrow('no')
        await write(table)
      }),
    )
    expect(left[0]?.monotonic_us).toBeLessThan(server.ofKind('write')[0]?.monotonic_us ?? 0)
  })

  it('under an advisory lock that is taken before is held from its start', async () => {
    await syncproof.wrap(
      (id: string) =>
        candidates.transaction(async (table) => {
          await exclusive('hire', entity(id), { protection: 'advisory_lock' }, async () => {
            await read(table)
            await write(table)
          })
        }),
      { entity },
    )('c1')
    await syncproof.flush()
    const [transaction] = server.ofKind('transaction_finished')
    expect(server.ofKind('section_entered')).toMatchObject([
      { protection: 'advisory_lock', transaction: transaction?.transaction },
    ])
    expect(server.ofKind('section_entered')[0]?.monotonic_us).toBeLessThanOrEqual(
      server.ofKind('read')[0]?.monotonic_us ?? 0,
    )
    expect(server.ofKind('section_entered')[0]).not.toHaveProperty('locked')
  })

  it('says nothing of another entity, and a base from outside is not from inside', async () => {
    await syncproof.wrap(
      async (id: string) => {
        await read(candidates)
        await exclusive('hire', entity(id), { protection: 'external' }, async () => {
          await write(candidates)
          await syncproof.write(
            'db',
            {},
            () => candidates.update({ where: { id: 'c2' }, data: { stage: 'hired' } }),
            { entity: entity('c2') },
          )
        })
        await write(candidates)
      },
      { entity },
    )('c1')
    await syncproof.flush()
    expect(server.ofKind('write').map((event) => event.section)).toEqual([
      { name: 'hire', base_read_inside: false },
      undefined,
      undefined,
    ])
  })

  it('covers what wrapped functions that it calls write', async () => {
    const inner = syncproof.wrap(
      async (_id: string) => {
        await read(candidates)
        await write(candidates)
      },
      { entity },
    )
    await section(() => inner('c1'), 'advisory_lock')
    expect(server.ofKind('write')).toMatchObject([{ section: { name: 'hire', base_read_inside: true } }])
  })

  it('runs as it is outside a wrapped call, and stays sync', async () => {
    expect(exclusive('hire', entity('c1'), { protection: 'row_lock' }, () => 7)).toBe(7)
    const error = new Error('mine')
    const throwing = syncproof.wrap(
      (id: string) =>
        exclusive('hire', entity(id), { protection: 'external' }, () => {
          throw error
        }),
      { entity },
    )
    expect(() => throwing('c1')).toThrow(error)
    await syncproof.flush()
    expect(server.events().map((event) => event.kind)).toEqual([
      'operation_started',
      'section_entered',
      'section_left',
      'operation_finished',
    ])
  })
})

describe('sections of two calls at once', () => {
  let database: AppDatabase
  let server: RecordingServer
  let syncproof: Syncproof

  beforeAll(async () => {
    // two connections: PGlite has but one
    database = await openPostgres()
    await database.pool.query(`CREATE TABLE candidates (id text PRIMARY KEY, stage text)`)
    await database.pool.query(`INSERT INTO candidates VALUES ('c1', 'new')`)
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    server = await recordingServer()
    syncproof = createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k' })
  })
  afterEach(async () => {
    await syncproof.shutdown()
    await server.close()
  })

  /** Runs calls at once, and gives the intervals of their sections in order. */
  async function intervals(calls: number, lock: 'for update' | undefined, between: () => Promise<void>) {
    const candidates = postgresTable<Candidate>(database.pool, 'candidates', { key: 'id' })
    const run = syncproof.wrap(
      (id: string, stage: string) =>
        exclusive('hire', { type: 'candidate', id }, { protection: 'row_lock' }, () =>
          candidates.transaction(async (table) => {
            await table.findUnique({ where: { id }, lock })
            await between()
            await table.update({ where: { id }, data: { stage } })
          }),
        ),
      { entity: (id) => ({ type: 'candidate', id }) },
    )
    await Promise.all(Array.from({ length: calls }, (_, n) => run('c1', `s${n}`)))
    await syncproof.flush()
    const left = new Map(
      server.ofKind('section_left').map((event) => [event.operation_id, event.monotonic_us]),
    )
    return server
      .ofKind('section_entered')
      .map(({ monotonic_us, operation_id, locked }) => ({
        from: monotonic_us,
        to: left.get(operation_id) ?? Number.NaN,
        locked,
      }))
      .sort((a, b) => a.from - b.from)
  }

  it('never overlap where the lock holds, although the calls do', async () => {
    const held = await intervals(40, 'for update', async () => {})
    expect(held).toHaveLength(40)
    for (const [index, { from, locked }] of held.entries()) {
      expect(locked).toBe(true)
      const before = held[index - 1]
      if (before) expect(from).toBeGreaterThanOrEqual(before.to)
    }
  })

  it('overlap where it was optimised away', async () => {
    let inside = 0
    const { promise: bothInside, resolve } = Promise.withResolvers<void>()
    const [first, second] = await intervals(2, undefined, () => {
      inside += 1
      if (inside === 2) resolve()
      return bothInside
    })
    expect([first?.locked, second?.locked]).toEqual([false, false])
    expect(second?.from).toBeLessThan(first?.to ?? 0)
  })
})
