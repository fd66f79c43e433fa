// The package as a CommonJS program uses it.
const { createSyncproof } = require('@syncproof/sdk')

const syncproof = createSyncproof({ service: 'commonjs', fingerprintKey: 'k' })
const sync = syncproof.wrap(
  (id, updates) => {
    syncproof.read('db', () => ({ id, name: 'before' }))
    syncproof.write('db', updates, () => {})
    syncproof.sync('ats', updates, () => {})
  },
  { name: 'sync', entity: (id) => ({ type: 'thing', id }), syncs: ['ats'] },
)
sync('t-1', { name: 'after' })
