import { openStore } from '@syncproof/store'
import { Registry } from 'prom-client'
import { startReconciler } from '../../src/index.ts'
import { webhook } from '../../src/sinks/index.ts'
import { FINGERPRINT_KEY, PROJECT } from './events.ts'

/** A reconciler that tells a webhook, as a process of its own, for tests that kill it. Says when it has started; ends on SIGTERM. */
const { STORE_URL = '', REDIS_URL = '', HOOK_URL = '' } = process.env
const store = openStore({ url: STORE_URL })
const reconciler = await startReconciler({
  store,
  projectId: PROJECT,
  pairs: {},
  queue: REDIS_URL === '' ? { postgresUrl: STORE_URL } : { redisUrl: REDIS_URL },
  fingerprintKey: FINGERPRINT_KEY,
  alerts: [webhook({ url: HOOK_URL })],
  alertTimes: { retryMs: 100, retryMsMax: 1_000, leaseMs: 3_000 },
  metrics: new Registry(),
})
process.once('SIGTERM', async () => {
  await reconciler.close()
  await store.close()
})
process.stdout.write('started\n')
