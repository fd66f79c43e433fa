import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'

/** The worker thread that PGlite lives in, so that a long statement never blocks the event loop of the
 *  services. It answers requests of the wire protocol one after the other. */

/** @see PgliteThread */
export interface ThreadData {
  /** Absent: in memory. */
  readonly dataDir?: string | undefined
}

export type ThreadCall =
  | { readonly id: number; readonly request: Uint8Array }
  | { readonly id: number; readonly close: true }

export interface ThreadAnswer {
  readonly id: number
  readonly response?: Uint8Array
  readonly failure?: string
}

const port = parentPort
if (port) {
  const { dataDir } = workerData as ThreadData
  const opening = PGlite.create(dataDir === undefined ? {} : { dataDir })
  port.on('message', async (call: ThreadCall) => {
    try {
      const db = await opening
      if ('close' in call) {
        await db.close()
        port.postMessage({ id: call.id } satisfies ThreadAnswer)
        port.close()
        return
      }
      // Copied, because PGlite may hand out a view of a buffer that it uses again; then moved, not copied again.
      const response = (await db.execProtocolRaw(call.request)).slice()
      port.postMessage({ id: call.id, response } satisfies ThreadAnswer, [response.buffer])
    } catch (error) {
      port.postMessage({ id: call.id, failure: String(error) } satisfies ThreadAnswer)
    }
  })
}
