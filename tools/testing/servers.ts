import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { inject } from 'vitest'

export interface FreshDatabase {
  readonly url: string
  /** Ends whoever is connected and removes the database. */
  drop(): Promise<void>
}

/** An empty database of its own on the test run's real PostgreSQL. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const server = inject('postgresUrl')
  const name = `t_${randomBytes(8).toString('hex')}`
  await once(server, `create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => drop(server, name) }
}

/** A pool says that it has ended before its connections are gone; ending them from here would reach its owner
 *  as an error out of nowhere. So they get a moment first. */
async function drop(server: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    const deadline = Date.now() + 5_000
    while (Date.now() < deadline) {
      const { rows } = await client.query('select 1 from pg_stat_activity where datname = $1', [name])
      if (rows.length === 0) break
      await delay(20)
    }
    await client.query(`drop database if exists ${name} with (force)`)
  } finally {
    await client.end()
  }
}

/** The test run's Redis; undefined where there is none, which the run reports loudly and CI does not accept. */
export function redisUrl(): string | undefined {
  return inject('redisUrl') || undefined
}

async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
