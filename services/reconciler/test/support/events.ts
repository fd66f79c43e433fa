import { randomBytes, randomUUID } from 'node:crypto'
import type {
  EntityRef,
  Outcome,
  ProcessReport,
  SyncEvent,
  SyncproofEvent,
  WriteEvent,
} from '@syncproof/core/contract'
import { createFingerprinter, findingId, formatToken } from '@syncproof/core/contract'
import type { Store } from '@syncproof/store'

export const PROJECT = 'default'
export const FINGERPRINT_KEY = 'a key for tests'

const fingerprinter = createFingerprinter(FINGERPRINT_KEY)

/** One program that reports what it does, as the SDK would. */
export interface Reporter {
  readonly process: ProcessReport
  /** An operation that writes over an update that it had not read: name goes back to what it had read. */
  lostUpdate(entity: EntityRef): Reported
  /** An operation that writes the database and syncs the record with this outcome. */
  sync(entity: EntityRef, outcome: Outcome): Reported
  /** An operation that has only started. */
  open(entity: EntityRef): Reported
  /** Stores events as the collector does. */
  append(store: Store, events: readonly SyncproofEvent[]): Promise<void>
}

interface Reported {
  readonly operationId: string
  readonly events: readonly SyncproofEvent[]
  /** Of the lost update. */
  readonly findingId: string
}

export function reporter(): Reporter {
  const process: ProcessReport = { id: randomUUID(), service: 'candidate-api', release: 'r1' }
  let seq = 0
  const base = (operation_id: string) => ({
    id: uuidV7(),
    seq: seq++,
    at: new Date().toISOString(),
    monotonic_us: Math.round(performance.now() * 1_000),
    operation_id,
  })
  const started = (operationId: string, entity: EntityRef): SyncproofEvent => ({
    ...base(operationId),
    kind: 'operation_started',
    name: 'syncCandidate',
    entity,
    root_operation_id: operationId,
    attempt: 1,
    intent: 'unspecified',
    syncs: [{ system: 'ats' }],
  })
  const finished = (operationId: string): SyncproofEvent => ({
    ...base(operationId),
    kind: 'operation_finished',
    outcome: 'ok',
  })
  const write = (operationId: string, entity: EntityRef, more: Partial<WriteEvent>): WriteEvent => ({
    ...base(operationId),
    kind: 'write',
    system: 'db',
    entity,
    action: 'update',
    known_versions: [],
    assigned: { name: 'value' },
    fields: { name: print(entity, 'name', 'Ada') },
    guard: 'none',
    transaction: 'none',
    outcome: 'ok',
    ...more,
  })
  const sync = (operationId: string, entity: EntityRef, outcome: Outcome): SyncEvent => ({
    ...base(operationId),
    kind: 'sync',
    system: 'ats',
    entity,
    action: 'update',
    fields: { name: print(entity, 'name', 'Ada') },
    outcome,
    attempt: 1,
  })
  return {
    process,
    lostUpdate(entity) {
      const operationId = randomUUID()
      const begun = started(operationId, entity)
      const lost = write(operationId, entity, {
        base_version: version(entity, '1'),
        known_versions: [version(entity, '1')],
        overwritten_version: version(entity, '2'),
        overwritten_by_self: false,
        version: version(entity, '3'),
        base_fields: { name: print(entity, 'name', 'Ada') },
        overwritten_fields: { name: print(entity, 'name', 'Grace') },
      })
      const events = [begun, lost, sync(operationId, entity, 'ok'), finished(operationId)]
      return { operationId, events, findingId: findingId('lost-update', lost.id) }
    },
    sync(entity, outcome) {
      const operationId = randomUUID()
      const events = [
        started(operationId, entity),
        write(operationId, entity, {}),
        sync(operationId, entity, outcome),
        finished(operationId),
      ]
      return { operationId, events, findingId: '' }
    },
    open(entity) {
      const operationId = randomUUID()
      return { operationId, events: [started(operationId, entity)], findingId: '' }
    },
    async append(store, events) {
      await store.events.append(PROJECT, process, events)
    },
  }
}

function print(entity: EntityRef, field: string, value: string): string {
  return fingerprinter.fingerprint(entity, field, JSON.stringify(value), 'auto')
}

function version(entity: EntityRef, value: string): string {
  return formatToken({ kind: 'xmin', database: 'cluster-1', table: 'candidates', key: entity.id, value })
}

/** The events of a program whose clock, and so the name of each event, is this far behind. */
export function behind<E extends { readonly id: string }>(events: readonly E[], ms: number): E[] {
  return events.map((event) => {
    const time = (Date.now() - ms).toString(16).padStart(12, '0')
    return { ...event, id: `${time.slice(0, 8)}-${time.slice(8)}${event.id.slice(13)}` }
  })
}

function uuidV7(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  const random = randomBytes(10).toString('hex')
  const variant = '89ab'[Number.parseInt(random[3] ?? '0', 16) % 4]
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
}
