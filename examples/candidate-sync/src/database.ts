import { postgresTable } from '@syncproof/sdk/pg'
import { openPglite } from '@syncproof/store/pglite'
import pg from 'pg'
import type { Candidate } from './candidate.ts'

const POOL_CONNECTIONS_MAX = 10

const url = process.env.DATABASE_URL

/** PostgreSQL where DATABASE_URL names one, else an embedded database in memory. */
export const pool = url ? openPostgres(url) : await openPglite({})

export const db = {
  candidates: postgresTable<Candidate>(pool, 'candidates', { key: 'id' }),
}

function openPostgres(connectionString: string): pg.Pool {
  const postgres = new pg.Pool({ connectionString, max: POOL_CONNECTIONS_MAX })
  // an idle connection broke: the next query takes another one, or fails and says so
  postgres.on('error', () => {})
  return postgres
}
