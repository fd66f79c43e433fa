import { cursor, http, postgres } from '@syncproof/connectors'
import { startReconciler } from '@syncproof/reconciler'
import { openStore } from '@syncproof/store'
import { Registry } from 'prom-client'

/** A reconciler in a process that is there to be killed. */
const [, , database = '', redis = '', source = '', api = ''] = process.argv
const store = openStore({ url: database })
const table = postgres({ url: source, table: 'records', key: 'id' })
const reconciler = await startReconciler({
  store,
  projectId: 'default',
  pairs: {
    tables: { source: table, target: postgres({ url: source, table: 'copies', key: 'id' }), grace: '100ms' },
    api: {
      source: postgres({ url: source, table: 'few', key: 'id' }),
      target: http({
        url: `${api}/records`,
        records: '$.data',
        key: 'id',
        next: cursor('$.next'),
        get: '/records/{key}',
      }),
      grace: '100ms',
    },
  },
  queue: redis === '' ? { postgresUrl: database } : { redisUrl: redis },
  fingerprintKey: 'torture',
  metrics: new Registry(),
  segmentRecords: 2_000,
})
process.once('SIGTERM', async () => {
  await reconciler.close()
  await store.close()
})
process.stdout.write('started\n')
