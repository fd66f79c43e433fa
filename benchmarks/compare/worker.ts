import { postgres } from '@syncproof/connectors'
import { map } from '@syncproof/core/contract'
import { startReconciler } from '@syncproof/reconciler'
import { openStore } from '@syncproof/store'
import { Registry } from 'prom-client'

/** A reconciler in a process of its own. A map of names is not hashed by databases: the records of both sides are read. */
const [, , storeUrl = '', url = '', segmentRecords = ''] = process.argv
const table = (name: string) => postgres({ url, table: name, key: 'id' })
const store = openStore({ url: storeUrl })
const reconciler = await startReconciler({
  ...{ store, projectId: 'default', queue: { postgresUrl: storeUrl }, fingerprintKey: 'benchmark' },
  pairs: {
    records: { source: table('records'), target: table('twins'), fields: { status: map({ A: 'active' }) } },
  },
  metrics: new Registry(),
  segmentRecords: Number(segmentRecords),
})
process.once('SIGTERM', async () => {
  await reconciler.close()
  await store.close()
})
process.stdout.write('started\n')
