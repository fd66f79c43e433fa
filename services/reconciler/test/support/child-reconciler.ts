import { cursor, http, postgres } from '@syncproof/connectors'
import { openStore } from '@syncproof/store'
import { Registry } from 'prom-client'
import { startReconciler } from '../../src/index.ts'
import { FINGERPRINT_KEY, PROJECT } from './events.ts'

/** A reconciler as a process of its own, for tests that kill it. Says when it has started; ends on SIGTERM. */
const { STORE_URL = '', REDIS_URL = '', SOURCE_URL = '', ATS_URL = '' } = process.env
const store = openStore({ url: STORE_URL })
const reconciler = await startReconciler({
  store,
  projectId: PROJECT,
  pairs: {
    candidate: {
      source: postgres({ url: SOURCE_URL, table: 'candidates', key: 'id' }),
      target: http({
        url: `${ATS_URL}/candidates`,
        records: '$.data',
        key: 'id',
        next: cursor('$.next'),
        get: '/candidates/{key}',
      }),
      grace: '300ms',
    },
  },
  queue: REDIS_URL === '' ? { postgresUrl: STORE_URL } : { redisUrl: REDIS_URL },
  fingerprintKey: FINGERPRINT_KEY,
  metrics: new Registry(),
})
process.once('SIGTERM', async () => {
  await reconciler.close()
  await store.close()
})
process.stdout.write('started\n')
