import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openPglite, PgliteInUseError, type PglitePool } from '../src/pglite/index.ts'

describe('the pool over PGlite', () => {
  let pool: PglitePool
  beforeAll(async () => {
    pool = await openPglite({})
    await pool.query('create table counter (id int primary key, n int not null)')
    await pool.query('insert into counter values (1, 0)')
  })
  afterAll(() => pool.end())

  it('answers as pg does: types, counts, commands, errors', async () => {
    const result = await pool.query(
      `select 9007199254740993::int8 as big, 1 as small, 1.10::numeric as exact, '{a,b}'::text[] as list,
        '{"a":1}'::jsonb as object, null as nothing, $1::bytea as bytes, $2::timestamptz as time`,
      [Buffer.from([1, 2]), '2026-11-20T12:00:00Z'],
    )
    expect(result).toMatchObject({ command: 'SELECT', rowCount: 1 })
    expect(result.fields.map((field) => field.dataTypeID)).toContain(20)
    expect(result.rows).toEqual([
      {
        big: '9007199254740993',
        small: 1,
        exact: '1.10',
        list: ['a', 'b'],
        object: { a: 1 },
        nothing: null,
        bytes: Buffer.from([1, 2]),
        time: new Date('2026-11-20T12:00:00Z'),
      },
    ])
    expect(await pool.query({ text: 'select $1::int as n', values: [7], rowMode: 'array' })).toMatchObject({
      rows: [[7]],
    })
    expect(await pool.query('update counter set n = n where id = 1')).toMatchObject({
      command: 'UPDATE',
      rowCount: 1,
    })
    await expect(pool.query('insert into counter values ($1, 0)', [1])).rejects.toMatchObject({
      code: '23505',
      constraint: 'counter_pkey',
      table: 'counter',
    })
  })

  it('keeps transactions apart', async () => {
    await pool.query('update counter set n = 0')
    const add = async (_: unknown, index: number) => {
      const client = await pool.connect()
      await client.query('begin')
      const { rows } = await client.query('select n from counter where id = 1')
      await new Promise((resolve) => setImmediate(resolve))
      await client.query('update counter set n = $1 where id = 1', [rows[0].n + 1])
      await client.query(index % 5 === 0 ? 'rollback' : 'commit')
      client.release()
    }
    const others = Array.from({ length: 50 }, () => pool.query('select n from counter'))
    await Promise.all([...Array.from({ length: 50 }, add), ...others])
    expect((await pool.query('select n from counter')).rows).toEqual([{ n: 40 }])
  })

  it('rolls back what a connection leaves open when it goes', async () => {
    await pool.query('update counter set n = 0')
    const client = await pool.connect()
    await client.query('begin')
    await client.query('update counter set n = 99')
    await expect(client.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
    client.release(true)
    expect((await pool.query('select n from counter')).rows).toEqual([{ n: 0 }])
  })

  it('notifies those who listen, and only those', async () => {
    const [ear, deaf, leaving] = await Promise.all([pool.connect(), pool.connect(), pool.connect()])
    const heard = vi.fn()
    const unheard = vi.fn()
    ear.on('notification', ({ channel, payload }) => heard(channel, payload))
    deaf.on('notification', unheard)
    leaving.on('notification', unheard)
    await ear.query('-- a comment\nLISTEN jobs;')
    await leaving.query('listen jobs')
    await leaving.query('unlisten jobs')
    await pool.query(`select pg_notify('jobs', $1)`, ['one'])
    await vi.waitFor(() => expect(heard.mock.calls).toEqual([['jobs', 'one']]))
    await ear.query('unlisten jobs')
    await pool.query(`notify jobs, 'two'`)
    await pool.query('select 1')
    expect(heard).toHaveBeenCalledTimes(1)
    expect(unheard).not.toHaveBeenCalled()
    for (const client of [ear, deaf, leaving]) client.release(true)
  })

  it('carries results and parameters of many megabytes, and does not block the event loop meanwhile', async () => {
    let ticks = 0
    const ticking = setInterval(() => {
      ticks += 1
    }, 5)
    const text = 'é'.repeat(4_000_000)
    const { rows } = await pool.query(
      'select $1 as text, (select sum(n) from generate_series(1, 3000000) n)',
      [text],
    )
    clearInterval(ticking)
    expect(rows[0].text === text).toBe(true)
    expect(ticks).toBeGreaterThan(10)
  })
})

it('a directory is open once at a time, and keeps what was written', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'syncproof-pglite-'))
  const first = await openPglite({ dir })
  await expect(openPglite({ dir })).rejects.toThrow(PgliteInUseError)
  await first.query('create table kept as select 42 as n')
  await first.end()
  const second = await openPglite({ dir })
  expect((await second.query('select n from kept')).rows).toEqual([{ n: 42 }])
  await second.end()
  await rm(dir, { recursive: true })
})
