import { randomBytes } from 'node:crypto'
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
  return { url: url.href, drop: () => once(server, `drop database if exists ${name} with (force)`) }
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
