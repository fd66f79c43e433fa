import { onTestFinished } from 'vitest'
import { createSyncproof, type SyncproofOptions, type SyncproofWarning } from '../src/index.ts'
import { recordingServer } from './recording-server.ts'

/** A client, and the server that records what it sends; both end with the test. */
export async function recordedClient(options: Partial<SyncproofOptions> = {}) {
  const server = await recordingServer()
  const warnings: SyncproofWarning[] = []
  const syncproof = createSyncproof({
    service: 'test',
    url: server.url,
    fingerprintKey: 'k',
    onWarning: (warning) => warnings.push(warning),
    ...options,
  })
  onTestFinished(async () => {
    await syncproof.shutdown()
    await server.close()
  })
  return { server, syncproof, warnings }
}
