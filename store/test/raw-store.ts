import pg from 'pg'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { migrateStore, openStore, type Store } from '../src/index.ts'
import { openPglite } from '../src/pglite/index.ts'

/** A store of its own, and its database past the store. */
export interface RawStore {
  readonly store: Store
  readonly pool: pg.Pool
  /** Of a server; undefined for the embedded one. */
  readonly url: string | undefined
  close(): Promise<void>
}

export const rawEngines: Readonly<Record<'PostgreSQL' | 'PGlite', () => Promise<RawStore>>> = {
  async PostgreSQL() {
    const database = await freshDatabase()
    const { url } = database
    await migrateStore({ url })
    const store = openStore({ url })
    const pool = new pg.Pool({ connectionString: url })
    return {
      ...{ store, pool, url },
      async close() {
        await store.close()
        await pool.end()
        await database.drop()
      },
    }
  },
  async PGlite() {
    const pool = await openPglite({})
    await migrateStore({ pool })
    const store = openStore({ pool })
    return {
      ...{ store, pool, url: undefined },
      async close() {
        await store.close()
        await pool.end()
      },
    }
  },
}
