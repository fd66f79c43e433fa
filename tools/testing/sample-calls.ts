/** One entity for a while. */
export interface Visit {
  readonly entity: number
  /** How often its row was written before. */
  readonly age: number
}

/** One run of a wrapped function; what every event of it has is added where it is placed. */
export interface Call {
  /** In the order of their sequence; `sentMs` after the beginning where that is not the order of their sending. */
  readonly events: readonly { readonly sentMs?: number }[]
  /** It was called by the call before it. */
  readonly inner?: boolean
  /** It sends what the call before it wrote. */
  readonly relays?: boolean
}

const FIELDS = ['name', 'email', 'phone', 'status', 'score', 'updatedAt']
const ASSIGNED = {
  ...{ name: 'supplied', email: 'value', phone: 'value', status: 'value', score: 'value' },
  updatedAt: 'last_write_wins',
}

const entityOf = ({ entity }: Visit) => ({ type: 'candidate', id: `c-${entity}` })
const versionOf = ({ entity, age }: Visit, turn: number) =>
  `xmin/7710248530414501930-5/16385/c-${entity}/${age + turn}`

/** Of the length of a real one. */
function print({ entity }: Visit, value: number): string {
  return `7d9ac5ad.auto.${entity.toString(16).padStart(12, '0')}${(value + 1).toString(16).padStart(10, '0')}`
}

/** The row before a turn. */
function rowOf(visit: Visit, turn: number): Record<string, string> {
  const changing = (field: string) => field === 'name' || field === 'updatedAt'
  return Object.fromEntries(
    FIELDS.map((field, index) => [field, print(visit, changing(field) ? visit.age + turn : index)]),
  )
}

function started(visit: Visit, name: string, rest: object = {}): object {
  return {
    ...{ kind: 'operation_started', name, entity: entityOf(visit), attempt: 1, intent: 'unspecified' },
    ...{ trace_id: print(visit, 0), span_id: print(visit, 1).slice(-16), ...rest },
  }
}

function read(visit: Visit, turn: number, rest: object = {}): object {
  return {
    ...{ kind: 'read', system: 'db', entity: entityOf(visit), found: true, version: versionOf(visit, turn) },
    ...{ fields: rowOf(visit, turn), transaction: 'none', duration_us: 700, ...rest },
  }
}

/** Of what the operation has read, and nobody came in between. */
function write(visit: Visit, turn: number, rest: object = {}): object {
  const version = versionOf(visit, turn)
  const before = rowOf(visit, turn)
  return {
    ...{ kind: 'write', system: 'db', entity: entityOf(visit), action: 'update', base_version: version },
    ...{ known_versions: [version], overwritten_version: version, overwritten_by_self: false },
    ...{ version: versionOf(visit, turn + 1), assigned: ASSIGNED, fields: rowOf(visit, turn + 1) },
    ...{ base_fields: before, overwritten_fields: before, guard: 'none', transaction: 'none' },
    ...{ outcome: 'ok', duration_us: 900, ...rest },
  }
}

function sync(visit: Visit, turn: number, rest: object = {}): object {
  return {
    ...{ kind: 'sync', system: 'ats', entity: entityOf(visit), action: 'update', outcome: 'ok', status: 200 },
    ...{ version: versionOf(visit, turn + 1), fields: rowOf(visit, turn + 1), attempt: 1 },
    ...{ external_id: `r-${visit.entity}`, duration_us: 21_000, ...rest },
  }
}

function finished(rest: object = {}): object {
  return { kind: 'operation_finished', outcome: 'ok', duration_us: 40_000, ...rest }
}

const reaches = { syncs: [{ system: 'ats' }] }

function merging(visit: Visit, turn: number, written: object, ...syncs: readonly object[]): Call {
  const start = started(visit, 'syncCandidate', reaches)
  return { events: [start, read(visit, turn), written, ...syncs, finished()] }
}

export const calls = {
  get: (visit: Visit, turn: number): Call => ({
    events: [started(visit, 'getCandidate'), read(visit, turn), finished()],
  }),
  guarded: (visit: Visit, turn: number): Call => ({
    events: [
      started(visit, 'rename', { intent: 'optimistic' }),
      ...[read(visit, turn), write(visit, turn, { guard: 'version' }), finished()],
    ],
  }),
  /** The function at the head of the README. */
  merge: (visit: Visit, turn: number): Call => merging(visit, turn, write(visit, turn), sync(visit, turn)),
  /** It read one version earlier than it wrote. */
  lossy: (visit: Visit, turn: number): Call => {
    const base = versionOf(visit, turn - 1)
    const old = { base_version: base, known_versions: [base], base_fields: rowOf(visit, turn - 1) }
    const fields = { ...rowOf(visit, turn + 1), name: rowOf(visit, turn - 1).name }
    const written = write(visit, turn, { ...old, fields, assigned: { ...ASSIGNED, name: 'value' } })
    return merging(visit, turn - 1, written, sync(visit, turn))
  },
  due: (visit: Visit, turn: number): Call => ({
    events: [
      started(visit, 'moveCandidate', { syncs: [{ system: 'ats', async: true }] }),
      read(visit, turn, {
        transaction: print(visit, turn),
        lock: { mode: 'FOR UPDATE', in_transaction: true },
      }),
      write(visit, turn, { guard: 'lock', transaction: print(visit, turn) }),
      transaction(print(visit, turn)),
      finished(),
    ],
  }),
  relay: (visit: Visit, turn: number): Call => ({
    events: [started(visit, 'relay'), sync(visit, turn), finished()],
    relays: true,
  }),
  create: (visit: Visit, turn: number): Call => ({
    events: [
      started(visit, 'addCandidate', reaches),
      read(visit, turn, { found: false, version: undefined, fields: {} }),
      write(visit, turn, {
        ...{ action: 'create', base_version: undefined, known_versions: [], overwritten_version: 'none' },
        ...{ base_fields: undefined, overwritten_fields: undefined, overwritten_by_self: undefined },
      }),
      sync(visit, turn, { action: 'create', unique_key: print(visit, 7) }),
      finished(),
    ],
  }),
  section: (visit: Visit, turn: number): Call => {
    const tx = print(visit, visit.age + turn)
    const ends = { name: 'rescore', entity: entityOf(visit), protection: 'row_lock', transaction: tx }
    return {
      events: [
        started(visit, 'rescore'),
        read(visit, turn, { transaction: tx, lock: { mode: 'FOR UPDATE', in_transaction: true } }),
        { kind: 'section_entered', ...ends, locked: true, sentMs: 8 },
        { kind: 'section_left', ...ends },
        write(visit, turn, {
          ...{ guard: 'lock', transaction: tx, section: { name: 'rescore', base_read_inside: true } },
          sentMs: 14,
        }),
        transaction(tx),
        finished(),
      ],
    }
  },
  outer: (visit: Visit, turn: number): Call => ({
    events: [started(visit, 'hire', reaches), read(visit, turn), write(visit, turn), finished({ calls: 1 })],
  }),
  inner: (visit: Visit, turn: number): Call => ({
    events: [started(visit, 'pushToAts'), sync(visit, turn), finished()],
    inner: true,
  }),
  transfer: (visit: Visit, turn: number): Call => {
    const other = { ...visit, entity: visit.entity + 1 }
    const tx = print(visit, visit.age + turn)
    const lock = { mode: 'FOR UPDATE', in_transaction: true }
    return {
      events: [
        started(visit, 'swapOwners', reaches),
        ...[visit, other].map((each) => read(each, turn, { transaction: tx, lock })),
        ...[visit, other].map((each) => write(each, turn, { transaction: tx, guard: 'lock' })),
        transaction(tx),
        sync(visit, turn),
        finished(),
      ],
    }
  },
  retried: (visit: Visit, turn: number): Call => {
    const first = sync(visit, turn, { outcome: 'unknown', status: 503 })
    return merging(visit, turn, write(visit, turn), first, sync(visit, turn, { attempt: 2 }))
  },
  unanswered: (visit: Visit, turn: number): Call =>
    merging(visit, turn, write(visit, turn), sync(visit, turn, { outcome: 'unknown', status: undefined })),
  rejected: (visit: Visit, turn: number): Call =>
    merging(visit, turn, write(visit, turn), sync(visit, turn, { outcome: 'rejected', status: 422 })),
} as const

function transaction(id: string): object {
  return {
    ...{ kind: 'transaction_finished', transaction: id, isolation: 'read committed', outcome: 'ok' },
    ...{ sentMs: 1, duration_us: 24_000 },
  }
}
