import { openPglite } from '@syncproof/store/pglite'
import pg from 'pg'
import { describe } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'

export interface AppDatabase {
  /** Empty for PGlite. */
  readonly url: string
  readonly pool: pg.Pool
  close(): Promise<void>
}

export async function openPostgres(): Promise<AppDatabase> {
  const database = await freshDatabase()
  const pool = new pg.Pool({ connectionString: database.url, max: 10 })
  // the server ends what is still idle when the database is dropped
  pool.on('error', () => {})
  return {
    pool,
    url: database.url,
    async close() {
      await pool.end()
      await database.drop()
    },
  }
}

async function openEmbedded(): Promise<AppDatabase> {
  const pool = await openPglite({})
  return { pool, url: '', close: () => pool.end() }
}

/** Runs a suite on a real PostgreSQL and on PGlite. */
export function eachDatabase(name: string, suite: (open: () => Promise<AppDatabase>) => void): void {
  describe(`${name} on PostgreSQL`, () => suite(openPostgres))
  describe(`${name} on PGlite`, () => suite(openEmbedded))
}
