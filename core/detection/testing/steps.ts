import {
  type Assignment,
  type EntityRef,
  formatToken,
  type OperationFinished,
  type OperationStarted,
  type ReadEvent,
  type SectionEntered,
  type SyncEvent,
  type SyncproofEvent,
  type TransactionFinished,
  type WriteEvent,
} from '../../contract/index.ts'

/** The steps of short histories: one line a step, values instead of fingerprints, `'1'` instead of a token. */

const candidate: EntityRef = { type: 'candidate', id: 'c-17' }

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
  | {
      readonly event: Omit<SyncproofEvent, 'id' | 'seq' | 'at' | 'monotonic_us' | 'operation_id'>
      /** Milliseconds after it would have been sent. */
      readonly sentMs?: number
    }
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

function step(event: object) {
  return { event } as Extract<Step, { event: unknown }>
}

/** Any event, as it is. */
export function bare(kind: SyncproofEvent['kind'], rest: object): Step {
  return step({ kind, ...rest })
}

/** The same step, sent so much later. */
export function later(ms: number, each: Step): Step {
  return 'call' in each ? each : { ...each, sentMs: ms + (each.sentMs ?? 0) }
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

/** Both ends of a section that was left just now, held since `heldMs` before that. */
export function section(heldMs: number, rest: Rest<SectionEntered> = {}): readonly [Step, Step] {
  const ends = {
    ...{ name: 'rescore', entity: candidate, protection: 'row_lock', transaction: 'none', locked: true },
    ...rest,
  }
  return [
    { ...step({ kind: 'section_entered', ...ends }), sentMs: -heldMs },
    step({ kind: 'section_left', ...ends }),
  ]
}
