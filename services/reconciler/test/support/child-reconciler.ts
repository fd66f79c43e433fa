import { cursor, http, postgres } from '@syncproof/connectors'
import { openStore, type Store } from '@syncproof/store'
import { Registry } from 'prom-client'
import { startReconciler } from '../../src/index.ts'
import { FINGERPRINT_KEY, PROJECT } from './events.ts'

/** A reconciler as a process of its own, for tests that kill it. Says when it has started, and which segments it has
 *  compared; ends on SIGTERM. */
const { STORE_URL = '', REDIS_URL = '', SOURCE_URL = '', ATS_URL = '', SEGMENT_RECORDS } = process.env
const opened = openStore({ url: STORE_URL })
const store: Store = {
  ...opened,
  segments: {
    ...opened.segments,
    async finish(claimed, result) {
      const isDone = await opened.segments.finish(claimed, result)
      if (isDone) process.stdout.write(`compared ${claimed.number}\n`)
      return isDone
    },
  },
}
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
    copies: {
      source: postgres({ url: SOURCE_URL, table: 'candidates', key: 'id' }),
      target: postgres({ url: SOURCE_URL, table: 'copies', key: 'id' }),
      grace: '300ms',
    },
  },
  segmentRecords: SEGMENT_RECORDS ? Number(SEGMENT_RECORDS) : undefined,
  queue: REDIS_URL === '' ? { postgresUrl: STORE_URL } : { redisUrl: REDIS_URL },
  fingerprintKey: FINGERPRINT_KEY,
  metrics: new Registry(),
})
process.once('SIGTERM', async () => {
  await reconciler.close()
  await store.close()
})
process.stdout.write('started\n')
