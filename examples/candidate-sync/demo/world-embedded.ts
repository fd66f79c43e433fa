import { randomBytes } from 'node:crypto'
import { ATS_TIMEOUT_MS, type Ats } from './ats.ts'
import { createReportApi } from './report-api.ts'
import { LOOPBACK, type World, type WorldOptions } from './world.ts'

/** The app on its embedded database, and all of Syncproof, in this process; the ATS in its own.
 *  What was opened is handed to `opened` and closed in reverse order. */
export async function startEmbedded(
  ats: Ats,
  options: WorldOptions,
  opened: AsyncDisposableStack,
): Promise<World> {
  // The app reads its environment when it is loaded, as it would in production. So it is set first, and the app's
  // modules are imported after it.
  delete process.env.DATABASE_URL
  process.env.SYNCPROOF_FINGERPRINT_KEY ??= randomBytes(32).toString('hex')
  process.env.SYNCPROOF_API_KEY ??= randomBytes(24).toString('hex')
  process.env.ATS_URL = ats.proxy.url
  process.env.ATS_READ_URL = ats.url
  process.env.ATS_TIMEOUT_MS = String(ATS_TIMEOUT_MS)
  const apiKey = process.env.SYNCPROOF_API_KEY

  const { pool } = await import('../src/database.ts')
  opened.defer(() => pool.end())
  const { createSchema } = await import('../src/schema.ts')
  await createSchema(pool)

  const { startDev } = await import('syncproof')
  const { default: config } = await import('../syncproof.config.ts')
  const dev = await startDev({
    port: options.port,
    metricsPort: options.metricsPort,
    ephemeral: true,
    config,
    apiKey,
    fingerprintKey: process.env.SYNCPROOF_FINGERPRINT_KEY,
    ...(options.redis === undefined ? {} : { redis: options.redis }),
  })
  opened.defer(() => dev.close())

  process.env.SYNCPROOF_URL = dev.url
  const { syncproof } = await import('../src/syncproof.ts')
  const { buildApp } = await import('../src/app.ts')
  const app = buildApp()
  const appUrl = await app.listen({ host: LOOPBACK, port: 0 })
  opened.defer(async () => {
    await app.close()
    await syncproof.shutdown()
  })

  return {
    parts: [
      ['app', `${appUrl}  PATCH /candidates/:id, on PGlite`],
      ['ATS', `${ats.url}  json-server, behind a faulty proxy`],
      ['Syncproof', `${dev.url}  collector, reconciler and store, in this process`],
      ['metrics', dev.metricsUrl],
    ],
    appUrl,
    ats,
    database: pool,
    api: createReportApi(dev.url, dev.apiKey),
    metricsUrl: dev.metricsUrl,
    detectorMetricsUrl: dev.metricsUrl,
    broken: ats.child.ended.then((code) => `The ATS ended with ${code}.`),
  }
}
