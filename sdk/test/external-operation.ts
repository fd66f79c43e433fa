import { afterEach, beforeEach } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { type Handler, type HttpSystem, httpSystem, wireSystem } from './http-system.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

/** For each test of a file: a client, a collector that records, and systems that end with the test. */
export function externalOperation() {
  const closing: (() => Promise<unknown>)[] = []
  const made = {} as { collector: RecordingServer; syncproof: Syncproof }
  beforeEach(async () => {
    const collector = await recordingServer()
    const syncproof = createSyncproof({
      service: 'test',
      url: collector.url,
      fingerprintKey: 'k',
      onWarning: () => undefined,
    })
    closing.push(() => syncproof.shutdown(), collector.close)
    Object.assign(made, { collector, syncproof })
  })
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })
  return {
    collector: () => made.collector,
    syncproof: () => made.syncproof,
    /** Runs `body` as an operation about this candidate, and gives the syncs of all operations until now. */
    async syncsOf(body: () => unknown, id = 'c1') {
      const entity = (id: string) => ({ type: 'candidate', id })
      await made.syncproof.wrap(async (_id: string) => body(), { entity })(id)
      await made.syncproof.flush()
      return made.collector.ofKind('sync')
    },
    async system(handler: Handler): Promise<HttpSystem> {
      const system = await httpSystem(handler)
      closing.push(system.close)
      return system
    },
    async wire(...args: Parameters<typeof wireSystem>) {
      const system = await wireSystem(...args)
      closing.push(system.close)
      return system
    },
  }
}
