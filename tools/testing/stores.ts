import { migrateStore, openStore, type Store } from '@syncproof/store'
import { openPglite } from '@syncproof/store/pglite'
import { describe } from 'vitest'
import { freshDatabase } from './servers.ts'

export interface FreshStore {
  readonly store: Store
  /** Closes the store and removes its database. */
  close(): Promise<void>
}

export type OpenFreshStore = () => Promise<FreshStore>

export const engines: Readonly<Record<'PostgreSQL' | 'PGlite', OpenFreshStore>> = {
  async PostgreSQL() {
    const database = await freshDatabase()
    await migrateStore({ url: database.url })
    const store = openStore({ url: database.url })
    return {
      store,
      async close() {
        await store.close()
        await database.drop()
      },
    }
  },
  async PGlite() {
    const pool = await openPglite({})
    await migrateStore({ pool })
    const store = openStore({ pool })
    return {
      store,
      async close() {
        await store.close()
        await pool.end()
      },
    }
  },
}

/** Runs a suite on each engine that the store promises to work on. */
export function eachEngine(name: string, suite: (open: OpenFreshStore) => void): void {
  for (const [engine, open] of Object.entries(engines)) describe(`${name} on ${engine}`, () => suite(open))
}
