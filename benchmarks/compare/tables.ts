import type { Pool } from 'pg'

/** What is found, by kind and fields, when so many differences are made. */
export const KINDS = (differences: number): Readonly<Record<string, number>> => {
  const each = differences / 5
  return {
    'missing-in-target': each,
    'unexpected-in-target': each,
    'field-mismatch name': each,
    'field-mismatch email': each,
    'field-mismatch score': each,
  }
}

/** `records`, `twins` with the same rows, and `copies` with differences of five kinds, spread over all of it. */
export async function fill(db: Pool, rows: number, differences: number): Promise<void> {
  const every = Math.floor((rows * 5) / differences)
  await db.query(`
    create table records (id bigint primary key, name text not null, email text, status text, score numeric(12,2),
      updated_at timestamptz, active boolean)`)
  await db.query(`
    insert into records
    select n, 'Name ' || n || ' ' || md5(n::text), 'user' || n || '@example.com',
      (array['active', 'hired', 'rejected'])[1 + n % 3], (n % 100000) / 100.0,
      '2026-01-01'::timestamptz + n * interval '1.234567 s', n % 2 = 0
    from generate_series(1, ${rows}) n`)
  for (const table of ['twins', 'copies']) {
    await db.query(`create table ${table} as select * from records order by id`)
    await db.query(`alter table ${table} add primary key (id)`)
  }
  await db.query(`delete from copies where id % ${every} = 1`)
  await db.query(`insert into copies select id + 10000000000, name, email, status, score, updated_at, active
    from records where id % ${every} = 2`)
  await db.query(`update copies set name = name || 'x' where id % ${every} = 3 and id < 10000000000`)
  await db.query(`update copies set email = null where id % ${every} = 4 and id < 10000000000`)
  await db.query(`update copies set score = score + 0.01 where id % ${every} = 5 and id < 10000000000`)
  for (const table of ['records', 'twins', 'copies']) await db.query(`vacuum analyze ${table}`)
}
