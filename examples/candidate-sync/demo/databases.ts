import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { askDatabase } from './reach.ts'

/** Two empty databases on a server: the app's and Syncproof's. */
export interface DemoDatabases {
  readonly app: string
  readonly syncproof: string
  readonly names: readonly string[]
  drop(): Promise<void>
}

/** @throws DemoUnableError where the server does not let itself be used
 *  @param server URL of any database of the server, as a user who may create databases */
export async function createDatabases(server: string): Promise<DemoDatabases> {
  const suffix = randomBytes(4).toString('hex')
  const names = [`candidate_app_${suffix}`, `candidate_syncproof_${suffix}`] as const
  await askDatabase(server, async () => {
    for (const name of names) await execute(server, `CREATE DATABASE ${name}`)
  })
  return {
    app: urlOf(server, names[0]),
    syncproof: urlOf(server, names[1]),
    names,
    async drop() {
      for (const name of names) await execute(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

/** A pool whose `close` waits until every connection is gone. The pool's own `end` does not: a database that is
 *  dropped right after it would still cut them off, which node-postgres throws where nobody can catch it. */
export function openPool(url: string, max: number): { readonly pool: pg.Pool; close(): Promise<void> } {
  const pool = new pg.Pool({ connectionString: url, max })
  const gone: Promise<unknown>[] = []
  pool.on('connect', (client) => gone.push(new Promise((resolve) => client.once('end', resolve))))
  // an idle connection broke: the next query takes another one, or says what is wrong
  pool.on('error', () => {})
  return {
    pool,
    async close() {
      await pool.end()
      await Promise.all(gone)
    },
  }
}

function urlOf(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
