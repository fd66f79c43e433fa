import {
  type Assignment,
  type EntityRef,
  formatToken,
  type OperationFinished,
  type OperationStarted,
  type ProcessReport,
  type ReadEvent,
  type StoredEvent,
  type SyncEvent,
  type SyncproofEvent,
  type TransactionFinished,
  type WriteEvent,
} from '../../contract/index.ts'
import type { OperationHistory } from '../history.ts'

/** Short histories for tests: one line a step, values instead of fingerprints, `'1'` instead of a token. */

const candidate: EntityRef = { type: 'candidate', id: 'c-17' }
export const processReport: ProcessReport = {
  id: '018f0000-0000-4000-8000-000000000001',
  service: 'candidate-api',
  release: 'abc123',
}

type Rest<T> = Partial<Omit<T, 'kind' | 'operation_id' | 'fields'>>
type Values = Readonly<Record<string, string>>
/** What the operation knew, what was there, what it wrote, how it came by it; undefined where not reported. */
export type Change = readonly [
  base: string | undefined,
  overwritten: string | undefined,
  now: string | undefined,
  assigned: Assignment,
]

export type Step =
  | { readonly event: Omit<SyncproofEvent, 'id' | 'seq' | 'at' | 'monotonic_us' | 'operation_id'> }
  | { readonly call: readonly Step[] }

export function token(value: string, key: string = candidate.id): string {
  return formatToken({ kind: 'xmin', database: '7/app', table: 'candidates', key, value })
}

/** `!` stays what it is: an unreadable field. */
export function fingerprint(value: string): string {
  return value === '!' ? value : `key1.auto.${value}`
}

function fingerprints(values: Values): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([field, value]) => [field, fingerprint(value)]))
}

function step(event: object): Step {
  return { event } as Step
}

export function started(rest: Rest<OperationStarted> = {}): Step {
  return step({
    kind: 'operation_started',
    name: 'syncCandidate',
    entity: candidate,
    attempt: 1,
    intent: 'unspecified',
    trace_id: 'trace-1',
    ...rest,
  })
}

/** An operation that must reach `ats`. */
export function startedFor(...systems: readonly string[]): Step {
  return started({ syncs: systems.map((system) => ({ system })) })
}

export function read(version: string, values: Values, rest: Rest<ReadEvent> = {}): Step {
  return step({
    kind: 'read',
    system: 'db',
    entity: candidate,
    found: true,
    version: token(version),
    fields: fingerprints(values),
    transaction: 'none',
    ...rest,
  })
}

/** A write that knew version 1, replaced version 2 of another writer and made version 3, unless told otherwise. */
export function write(
  changes: Readonly<Record<string, Change>>,
  rest: Rest<WriteEvent> & { readonly fields?: Values } = {},
): Step {
  const column = (index: 0 | 1 | 2) =>
    Object.fromEntries(
      Object.entries(changes).flatMap(([field, change]) => {
        const value = change[index]
        return value === undefined ? [] : [[field, fingerprint(value)]]
      }),
    )
  return step({
    kind: 'write',
    system: 'db',
    entity: candidate,
    action: 'update',
    base_version: token('1'),
    known_versions: [token('1')],
    overwritten_version: token('2'),
    overwritten_by_self: false,
    version: token('3'),
    assigned: Object.fromEntries(Object.entries(changes).map(([field, change]) => [field, change[3]])),
    fields: column(2),
    base_fields: column(0),
    overwritten_fields: column(1),
    guard: 'none',
    transaction: 'none',
    outcome: 'ok',
    ...rest,
  })
}

/** A write that nobody came in between of. */
export function cleanWrite(field: string, from: string, to: string, rest: Rest<WriteEvent> = {}): Step {
  return write({ [field]: [from, from, to, 'supplied'] }, { overwritten_version: token('1'), ...rest })
}

export function sync(outcome: SyncEvent['outcome'], values: Values = {}, rest: Rest<SyncEvent> = {}): Step {
  return step({
    kind: 'sync',
    system: 'ats',
    entity: candidate,
    action: 'update',
    fields: fingerprints(values),
    outcome,
    attempt: 1,
    ...rest,
  })
}

export function transactionFinished(transaction: string, outcome: TransactionFinished['outcome']): Step {
  return step({ kind: 'transaction_finished', transaction, isolation: 'read committed', outcome })
}

export function finished(rest: Rest<OperationFinished> = {}): Step {
  return step({ kind: 'operation_finished', outcome: 'ok', ...rest })
}

/** An operation that is called here, with its own start and end among the steps. */
export function call(...steps: readonly Step[]): Step {
  return { call: steps }
}

/** A whole, complete history of the outermost operation; called ones are its family. */
export function history(...steps: readonly Step[]): OperationHistory {
  const events: StoredEvent[] = []
  let calls = 0
  const run = (operation: readonly Step[], parent: string | undefined): void => {
    const operationId = operationIdOf(calls++)
    for (const each of operation) {
      if ('call' in each) run(each.call, operationId)
      else events.push(stored(withCalls(each.event, operation), events.length, operationId, parent))
    }
  }
  run(steps, undefined)
  const isOwn = (event: StoredEvent) =>
    event.kind !== 'process_ended' && event.operation_id === operationIdOf(0)
  return {
    operationId: operationIdOf(0),
    process: processReport,
    events: events.filter(isOwn),
    complete: events.some((event) => isOwn(event) && event.kind === 'operation_finished'),
    family: events.filter((event) => !isOwn(event)),
  }
}

/** The history of the first operation that the outermost one called. */
export function historyOfCalled(whole: OperationHistory): OperationHistory {
  return { ...whole, operationId: operationIdOf(1), events: whole.family, family: whole.events }
}

/** The same, with something missing somewhere. */
export function incomplete(whole: OperationHistory): OperationHistory {
  return { ...whole, complete: false }
}

/** The only event of a kind in a history, for tests that take a field of it away. */
export function without(
  whole: OperationHistory,
  kind: SyncproofEvent['kind'],
  field: string,
  value?: unknown,
): OperationHistory {
  const strip = (event: StoredEvent) => {
    const { [field]: _, ...rest } = event as StoredEvent & Record<string, unknown>
    return (
      event.kind === kind ? { ...rest, ...(value !== undefined && { [field]: value }) } : event
    ) as StoredEvent
  }
  return { ...whole, events: whole.events.map(strip) }
}

/** Bare events of other operations of the same process, `afterMs` later. */
export function laterEvents(afterMs: number, ...steps: readonly Step[]): readonly StoredEvent[] {
  const offset = Math.max(100, afterMs)
  return steps.flatMap((each, index) =>
    'call' in each ? [] : [stored(each.event, offset + index, operationIdOf(9_000 + offset), undefined)],
  )
}

/** What the SDK says at the end: how many it called. */
function withCalls(event: object, operation: readonly Step[]): object {
  const calls = operation.filter((each) => 'call' in each).length
  const isEnd = 'kind' in event && event.kind === 'operation_finished'
  return isEnd && calls > 0 ? { calls, ...event } : event
}

function operationIdOf(index: number): string {
  return `018f0000-0000-4000-9000-${index.toString(16).padStart(12, '0')}`
}

const START_MS = Date.UTC(2026, 10, 20, 12)

function stored(event: object, index: number, operationId: string, parent: string | undefined): StoredEvent {
  const isStart = 'kind' in event && event.kind === 'operation_started'
  return {
    id: `018f0000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`,
    seq: index,
    at: new Date(START_MS + index).toISOString(),
    monotonic_us: index * 1_000,
    operation_id: operationId,
    process_id: processReport.id,
    ...(isStart && { root_operation_id: operationIdOf(0) }),
    ...(isStart && parent !== undefined && { parent_operation_id: parent }),
    duration_us: 500,
    ...event,
  } as unknown as StoredEvent
}
