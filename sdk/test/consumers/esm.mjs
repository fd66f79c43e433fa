// The package as an ESM program uses it: reports to SYNCPROOF_URL and ends by itself.
import { createSyncproof, defineFields, text } from '@syncproof/sdk'

const syncproof = createSyncproof({
  service: 'esm',
  fingerprintKey: 'k',
  entities: { thing: { fields: defineFields({ name: text({ case: 'lower' }) }) } },
})
const sync = syncproof.wrap(
  async (id, updates) => {
    const row = await syncproof.read('db', async () => ({ id, name: 'before' }))
    const merged = { ...row, ...updates }
    await syncproof.write('db', merged, async () => {})
    await syncproof.sync('ats', merged, async () => {})
  },
  { name: 'sync', entity: (id) => ({ type: 'thing', id }), syncs: ['ats'] },
)
await sync('t-1', { name: 'after' })
