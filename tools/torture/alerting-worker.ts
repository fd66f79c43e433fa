import { startReconciler } from '@syncproof/reconciler'
import { webhook } from '@syncproof/reconciler/sinks'
import { openStore } from '@syncproof/store'
import { Registry } from 'prom-client'

/** A reconciler that tells a webhook, in a process that is there to be killed. With `quick` it does not wait long before it
 *  tries again. */
const [, , database = '', redis = '', hook = '', quick = ''] = process.argv
const store = openStore({ url: database })
const reconciler = await startReconciler({
  store,
  projectId: 'default',
  pairs: {},
  queue: redis === '' ? { postgresUrl: database } : { redisUrl: redis },
  fingerprintKey: 'torture',
  alerts: [webhook({ url: hook })],
  ...(quick && { alertTimes: { retryMs: 200, retryMsMax: 2_000, leaseMs: 15_000 } }),
  metrics: new Registry(),
})
process.once('SIGTERM', async () => {
  await reconciler.close()
  await store.close()
})
process.stdout.write('started\n')
