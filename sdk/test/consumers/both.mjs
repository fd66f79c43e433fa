// One process in which a library requires the package and the program imports it: marks, and the PostgreSQL
// helper, of either copy belong to the wrapped call of the other.
import { createRequire } from 'node:module'
import { createSyncproof } from '@syncproof/sdk'
import { postgresTable } from '@syncproof/sdk/pg'
import pg from 'pg'

const require = createRequire(import.meta.url)
const required = require('@syncproof/sdk')
const requiredPg = require('@syncproof/sdk/pg')
if (required.createSyncproof === createSyncproof) throw new Error('there is only one copy')

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
await pool.query(`CREATE TABLE IF NOT EXISTS things (id text PRIMARY KEY, name text)`)
await pool.query(`INSERT INTO things VALUES ('t-1', 'before') ON CONFLICT DO NOTHING`)

for (const [outer, inner, table] of [
  [createSyncproof, required.createSyncproof, requiredPg.postgresTable],
  [required.createSyncproof, createSyncproof, postgresTable],
]) {
  const wrapping = outer({ service: 'both', fingerprintKey: 'k' })
  const marking = inner({ service: 'both', fingerprintKey: 'k' })
  const things = table(pool, 'things', { key: 'id' })
  const sync = wrapping.wrap(
    async (id, updates) => {
      const row = await marking.read('db', () => things.findUnique({ where: { id } }))
      await marking.write('db', updates, () => things.update({ where: { id }, data: updates }))
      await marking.sync('ats', { ...row, ...updates }, async () => {})
    },
    { name: 'sync', entity: (id) => ({ type: 'thing', id }), syncs: ['ats'] },
  )
  await sync('t-1', { name: 'after' })
  await wrapping.shutdown()
  await marking.shutdown()
}
await pool.end()
