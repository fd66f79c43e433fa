import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { freshDatabase, redisUrl } from '../servers.ts'

describe('the servers of a test run', () => {
  it('are a real PostgreSQL with a database for each test that asks', async () => {
    const database = await freshDatabase()
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows } = await client.query<{ version: number; tables: number }>(
      `select current_setting('server_version_num')::int as version,
              (select count(*)::int from pg_tables where schemaname = 'public') as tables`,
    )
    await client.end()
    await database.drop()
    expect(rows[0]?.version).toBeGreaterThanOrEqual(150_000)
    expect(rows[0]?.tables).toBe(0)
  })

  it.skipIf(!redisUrl())('include a real Redis where the machine has one', async () => {
    const { Redis } = await import('ioredis')
    const redis = new Redis(redisUrl() ?? '')
    expect(await redis.ping()).toBe('PONG')
    await redis.quit()
  })
})
