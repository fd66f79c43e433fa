import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** Two empty databases on a server: the app's and Syncproof's. */
export interface DemoDatabases {
  readonly app: string
  readonly syncproof: string
  readonly names: readonly string[]
  drop(): Promise<void>
}

/** @param server URL of any database of the server, as a user who may create databases */
export async function createDatabases(server: string): Promise<DemoDatabases> {
  const suffix = randomBytes(4).toString('hex')
  const names = [`candidate_app_${suffix}`, `candidate_syncproof_${suffix}`] as const
  for (const name of names) await execute(server, `CREATE DATABASE ${name}`)
  return {
    app: urlOf(server, names[0]),
    syncproof: urlOf(server, names[1]),
    names,
    async drop() {
      for (const name of names) await execute(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
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
