import type { ProcessReport, StoredEvent } from '@syncproof/core/contract'
import type { OperationHistoryRow } from '@syncproof/store'

const FIELDS = ['name', 'email', 'phone', 'status', 'score', 'updatedAt'] as const
const START_MS = Date.UTC(2026, 10, 20, 12)
/** One operation in so many writes over an update that it has not read. */
const LOSSY = 20

export const processReport: ProcessReport = {
  id: '0193480c-0000-4000-8000-0000000000aa',
  service: 'candidate-api',
  release: 'abc123',
  clock: { offset_ms: [-1, 1] },
}

export function operationIdOf(number: number): string {
  return `0193480c-5a10-4c3e-9d51-${hex(number)}`
}

/** The payloads of one operation as the store puts them together: a read, a write and a sync of six fields between its
 *  start and its end. Its write replaced what the operation before it on the same entity had made.
 *  @param entity its number; @param age how many operations the entity has had */
export function historyText(number: number, entity: number, age: number): string {
  const foreign = number % LOSSY === 0 ? 'x' : ''
  const row = `xmin/7710248530414501930-5/16385/c-${entity}`
  const about = { entity: { type: 'candidate', id: `c-${entity}` } }
  const before = fieldsOf(entity, age)
  const after = { ...fieldsOf(entity, age), name: print(entity, age + 1), updatedAt: print(entity, age + 2) }
  const versions = { base_version: `${row}/${age}`, known_versions: [`${row}/${age}`] }
  const operation_id = operationIdOf(number)
  const events = [
    {
      ...{ kind: 'operation_started', name: 'syncCandidate', ...about, root_operation_id: operation_id },
      ...{ attempt: 1, intent: 'unspecified', syncs: [{ system: 'ats' }] },
    },
    {
      ...{ kind: 'read', system: 'db', ...about, found: true, version: `${row}/${age}`, fields: before },
      ...{ transaction: 'none', duration_us: 700 },
    },
    {
      ...{ kind: 'write', system: 'db', ...about, action: 'update', ...versions },
      ...{
        overwritten_version: `${row}/${age}${foreign}`,
        overwritten_by_self: false,
        version: `${row}/${age + 1}`,
      },
      assigned: {
        name: 'supplied',
        email: 'value',
        phone: 'value',
        status: 'value',
        score: 'value',
        updatedAt: 'last_write_wins',
      },
      ...{ fields: after, base_fields: before },
      overwritten_fields: foreign ? { ...before, email: print(entity, -1) } : before,
      ...{ guard: 'none', transaction: 'none', outcome: 'ok', duration_us: 900 },
    },
    {
      ...{
        kind: 'sync',
        system: 'ats',
        ...about,
        action: 'update',
        version: `${row}/${age + 1}`,
        fields: after,
      },
      ...{ outcome: 'ok', status: 200, attempt: 1, duration_us: 21_000 },
    },
    { kind: 'operation_finished', outcome: 'ok', duration_us: 40_000 },
  ]
  return JSON.stringify(
    events.map((event, index) => ({
      id: `0193480c-5a10-7000-8${index}00-${hex(number)}`,
      seq: number * 5 + index,
      at: new Date(START_MS + number * 50 + index * 8).toISOString(),
      monotonic_us: number * 50_000 + index * 8_000,
      operation_id,
      ...event,
    })),
  )
}

/** As the store's `parseEvents`. */
export function decode(text: string): readonly StoredEvent[] {
  return (JSON.parse(text) as Omit<StoredEvent, 'process_id'>[]).map(
    (payload) => ({ ...payload, process_id: processReport.id }) as StoredEvent,
  )
}

export function rowOf(
  number: number,
  events: readonly StoredEvent[],
  neighbours: OperationHistoryRow['neighbours'],
): OperationHistoryRow {
  return {
    ...{ operationId: operationIdOf(number), process: processReport, events, complete: true },
    ...{ family: [], neighbours, processEnd: undefined },
  }
}

function fieldsOf(entity: number, age: number): Record<string, string> {
  return Object.fromEntries(FIELDS.map((field, index) => [field, print(entity, age + index)]))
}

/** Of the length of a real fingerprint. */
function print(entity: number, value: number): string {
  return `7d9ac5ad.auto.${hex(entity)}${hex(value + 2).slice(2)}`
}

function hex(number: number): string {
  return number.toString(16).padStart(12, '0')
}
