import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { copyText } from '../../store/src/append/copy-text.ts'
import { createApp } from '../../tools/testing/sample-app.ts'

/** One batch, made beforehand: what the SDK sends, and the same rows as COPY takes them. */
export interface Body {
  readonly gzip: Buffer
  readonly json: string
  readonly rows: Buffer
  readonly events: number
  readonly operations: number
}

const PROJECT = 'default'
const PROCESSES = 16

const apps = Array.from({ length: PROCESSES }, (_, number) => createApp(number))
let next = 0

/** The processes of an app in turn, each about so many events. */
export function makeBodies(count: number, operations: number): readonly Body[] {
  return Array.from({ length: count }, () => {
    const app = apps[next++ % PROCESSES] as ReturnType<typeof createApp>
    const batch = app.batch(operations)
    const lane = Number.parseInt(batch.process.id.at(-1) ?? '0', 16) % 4
    const rows = copyText({ projectId: PROJECT, process: batch.process, events: batch.sent }, lane, hashOf)
    // the floor has a database of its own, where the same ids are new
    return {
      ...{ gzip: gzipSync(batch.body), json: batch.body, rows },
      ...{ events: batch.events, operations: batch.operations },
    }
  })
}

/** As evenly spread as the hash of the store, and beforehand. */
function hashOf({ type, id }: { readonly type: string; readonly id: string }): string {
  return String(createHash('md5').update(`${type}/${id}`).digest().readBigInt64LE())
}
