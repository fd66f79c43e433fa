import { randomBytes, randomUUID } from 'node:crypto'
import { findingId, type ProcessReport, type SyncproofEvent } from '@syncproof/core/contract'
import { type Call, calls } from './sample-calls.ts'

/** Of 25 operations one loses an update; the others read, merge, or work in a section. */
const MIX = [
  ...Array.from({ length: 8 }, () => calls.get),
  ...Array.from({ length: 14 }, () => calls.merge),
  ...[calls.section, calls.section, calls.lossy],
]
const ENTITIES = 20_000

/** What was sent of one batch. */
export interface Batch {
  readonly body: string
  readonly process: ProcessReport
  readonly sent: readonly SyncproofEvent[]
  readonly operations: number
  readonly events: number
  /** Ids that the findings of its lost updates will have. */
  readonly findingIds: readonly string[]
}

/** One process of an app. Its entities are its own, and each row's versions follow each other. */
export function createApp(number: number): { batch(operations: number): Batch } {
  const process = {
    id: `${randomUUID().slice(0, -1)}${number % 10}`,
    service: 'candidate-api',
    release: '1.0',
  }
  const ages = new Map<number, number>()
  let seq = 0
  let made = 0

  function operation(): { readonly events: readonly object[]; readonly findingId: string | undefined } {
    const make = MIX[made % MIX.length] ?? calls.get
    made += 1
    const entity = number * ENTITIES + Math.floor(Math.random() * ENTITIES)
    const age = ages.get(entity) ?? 1
    if (make !== calls.get) ages.set(entity, age + 1)
    const placed = place(make({ entity, age }, 0))
    const writeId = placed.find((event) => event.kind === 'write')?.id ?? ''
    return { events: placed, findingId: make === calls.lossy ? findingId('lost-update', writeId) : undefined }
  }

  function place(call: Call) {
    const operationId = uuidV7()
    return call.events.map((given) => {
      const { sentMs: _, ...event } = given as { sentMs?: number; kind: string }
      return {
        ...event,
        ...{ id: uuidV7(), seq: seq++, operation_id: operationId },
        ...{ at: new Date().toISOString(), monotonic_us: Math.round(performance.now() * 1_000) },
        ...(event.kind === 'operation_started' && { root_operation_id: operationId }),
      }
    })
  }

  return {
    batch(operations) {
      const made = Array.from({ length: operations }, operation)
      const events = made.flatMap((each) => each.events)
      const books = { produced: seq, dropped: {} }
      const report = { ...process, books }
      return {
        body: JSON.stringify({ contract: 1, process: report, events }),
        process: report,
        sent: events as unknown as readonly SyncproofEvent[],
        operations,
        events: events.length,
        findingIds: made.flatMap((each) => each.findingId ?? []),
      }
    },
  }
}

function uuidV7(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  const random = randomBytes(10).toString('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3, 6)}-${random.slice(6, 18)}`
}
