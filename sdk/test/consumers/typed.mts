// The package's types as an ESM program under the strictest flags sees them.
import { createSyncproof, defineFields, integer, type Syncproof, type WrapOptions } from '@syncproof/sdk'
import { type PostgresTable, postgresTable } from '@syncproof/sdk/pg'

interface Thing {
  id: string
  size: number
}

export const syncproof: Syncproof = createSyncproof({
  service: 'typed',
  entities: { thing: { fields: defineFields({ size: integer() }) } },
})
const options: WrapOptions<[id: string, size: number]> = { entity: (id) => ({ type: 'thing', id }) }
const sync: (id: string, size: number) => Promise<Thing> = syncproof.wrap(
  async (id: string, size: number) => syncproof.sync('ats', { size }, async () => ({ id, size })),
  options,
)
export type Things = PostgresTable<Thing>
export const make: typeof postgresTable = postgresTable
const thing = await sync('t-1', 3)
if (thing.size !== 3) throw new Error('a wrapped function gave another result')
