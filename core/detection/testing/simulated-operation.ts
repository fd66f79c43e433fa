import type { Assignment, Outcome } from '../../contract/index.ts'
import {
  fingerprintsOf,
  moment,
  type RowState,
  type Steps,
  type Thread,
  type World,
} from './simulated-world.ts'

/** What all operations under one root have seen; the SDK tracks the same by token. */
interface Seen {
  readonly states: Set<RowState>
  incomplete: boolean
}

interface PastWrite {
  readonly outcome: Outcome
  readonly sentTick: number
  answeredTick: number
  readonly overwritten: RowState
  readonly made: RowState | undefined
  readonly after: Readonly<Record<string, number>>
  readonly fields: readonly string[]
  /** Of its event. */
  id?: string
}

/** A read of a row that the operation does not write. */
interface SideRead {
  readonly state: RowState
  readonly tick: number
}

/** One run of a wrapped function, with the truth about it beside what it reports. */
export interface Operation {
  readonly id: string
  readonly process: number
  readonly key: string
  readonly parent: Operation | undefined
  readonly due: boolean
  readonly seen: Seen
  /** What it last knew of each field. */
  known: Readonly<Record<string, number>> | undefined
  base: RowState | undefined
  /** In the order in which they were applied, those of called operations too. */
  readonly writes: PastWrite[]
  readonly attempts: { readonly outcome: Outcome }[]
  readonly sideReads: SideRead[]
  /** It has ended, with nothing under way, and called nobody. */
  endedAlone: boolean
  carriedByRejected: boolean
  inFlight: number
  calls: number
}

export interface Start {
  readonly process: number
  readonly key: string
  readonly parent?: Operation
  readonly syncs?: readonly { readonly system: string; readonly async?: boolean | undefined }[]
}

export function begin(world: World, { process, key, parent, syncs }: Start): Operation {
  const operation: Operation = {
    id: world.newId(),
    process,
    key,
    parent,
    due: syncs?.some((sync) => sync.async !== true) ?? false,
    seen: parent?.seen ?? { states: new Set(), incomplete: false },
    known: parent?.known,
    base: parent?.base,
    writes: [],
    attempts: [],
    sideReads: [],
    endedAlone: false,
    carriedByRejected: false,
    inFlight: 0,
    calls: 0,
  }
  world.operations.push(operation)
  if (parent) {
    parent.calls++
    parent.inFlight++
  }
  world.report(process, {
    kind: 'operation_started',
    ...about(operation),
    name: parent ? 'called' : 'simulated',
    root_operation_id: rootOf(operation).id,
    ...(parent && { parent_operation_id: parent.id }),
    attempt: 1,
    intent: 'unspecified',
    ...(syncs && { syncs }),
  })
  return operation
}

export function end(world: World, operation: Operation): void {
  if (operation.parent) operation.parent.inFlight--
  const { inFlight, calls } = operation
  operation.endedAlone = inFlight === 0 && calls === 0
  if (isBeyondEvents(operation)) world.truth.beyondEvents.add(operation.id)
  if (isSplit(operation)) world.truth.partialWrites.add(operation.id)
  world.report(operation.process, {
    kind: 'operation_finished',
    operation_id: operation.id,
    outcome: 'ok',
    ...(inFlight > 0 && { in_flight: inFlight }),
    ...(calls > 0 && { calls }),
  })
}

/** By values, and by what the external system really did. Where anything is unknown or under way, nobody may say. */
function isSplit({ due, writes, attempts, inFlight, carriedByRejected }: Operation): boolean {
  if (!due || inFlight > 0) return false
  if ([...writes, ...attempts].some(({ outcome }) => outcome === 'unknown')) return false
  const applied = writes.filter(({ outcome }) => outcome === 'ok')
  const [first] = applied
  const last = applied.at(-1)
  if (!first || !last) return carriedByRejected && attempts.at(-1)?.outcome === 'ok'
  if (attempts.some(({ outcome }) => outcome === 'ok')) return false
  const fields = new Set(applied.flatMap((write) => write.fields))
  if (fields.size > 1) fields.delete('t')
  return [...fields].some((field) => first.overwritten.values[field] !== last.after[field])
}

/** Its own writes overlapped, and another writer came between: no event tells which was the last. */
function isBeyondEvents({ writes }: Operation): boolean {
  const applied = writes.filter(({ outcome }) => outcome === 'ok')
  return applied.some((write, index) =>
    applied.slice(index + 1).some((next, distance) => {
      const linked = distance === 0 && next.overwritten === write.made
      return next.sentTick < write.answeredTick && !linked
    }),
  )
}

export function* readRow(world: World, operation: Operation): Steps {
  yield
  const state = world.rows.get(operation.key)
  if (!state) throw new Error(`no row ${operation.key}`)
  operation.base = state
  operation.known = state.values
  operation.seen.states.add(state)
  reportRead(world, operation, state)
}

export interface Statement {
  readonly assigned: Readonly<Record<string, Assignment>>
  /** Undefined for what SQL computes. */
  readonly values: Readonly<Record<string, number | undefined>>
  readonly checksVersion: boolean
  readonly fate: 'commit' | 'roll_back' | 'unknown_committed' | 'unknown_rolled_back'
}

/** Sends an UPDATE, waits for the row's lock, and commits. @returns whether it is known to be committed, in `result` */
export function* writeRow(
  world: World,
  operation: Operation,
  thread: Thread,
  statement: Statement,
  result: { ok: boolean },
): Steps {
  yield
  const { key, base, known, seen } = operation
  const sent = moment(world.tick)
  const before = [...seen.states].filter((state) => state.key === key)
  const knownIncomplete = seen.incomplete
  yield () => !world.locks.has(key) || world.locks.get(key) === thread
  world.locks.set(key, thread)
  yield
  const overwritten = world.rows.get(key)
  if (!overwritten) throw new Error(`no row ${key}`)
  const missed = statement.checksVersion && overwritten !== base
  const values = apply(statement, overwritten.values)
  const applied = !missed && (statement.fate === 'commit' || statement.fate === 'unknown_committed')
  const state = applied ? world.replaceRow(key, values) : undefined
  world.locks.delete(key)
  const past = {
    sentTick: sent.monotonic_us / 1_000,
    overwritten,
    made: state,
    fields: Object.keys(statement.assigned),
    after: values,
  }
  const outcome =
    missed || statement.fate === 'roll_back'
      ? 'rejected'
      : state && statement.fate === 'commit'
        ? 'ok'
        : 'unknown'
  const write: PastWrite = { ...past, outcome, answeredTick: Number.POSITIVE_INFINITY }
  for (const each of upwards(operation)) each.writes.push(write)
  // applied, and the answer is on its way
  yield
  write.answeredTick = world.tick
  const intended = Object.fromEntries(
    Object.entries(statement.values).filter(([, value]) => value !== undefined),
  ) as Record<string, number>
  const id = world.report(operation.process, {
    kind: 'write',
    ...about(operation),
    ...sent,
    system: 'db',
    action: 'update',
    ...(base && { base_version: base.token }),
    known_versions: before.map(({ token }) => token),
    ...(knownIncomplete && { known_incomplete: true }),
    assigned: statement.assigned,
    ...(known && { base_fields: fingerprintsOf(known) }),
    ...(outcome === 'rejected'
      ? { fields: fingerprintsOf(intended) }
      : {
          fields: fingerprintsOf(values),
          overwritten_version: overwritten.token,
          overwritten_by_self: false,
          overwritten_fields: fingerprintsOf(overwritten.values),
        }),
    ...(outcome === 'ok' && state && { version: state.token }),
    duration_us: world.tick * 1_000 - sent.monotonic_us,
    guard: statement.checksVersion ? 'version' : 'none',
    transaction: 'none',
    outcome,
  })
  write.id = id
  if (outcome === 'unknown') seen.incomplete = true
  result.ok = outcome === 'ok'
  if (outcome !== 'ok' || !state) return
  const isForeign = !knownIncomplete && before.length > 0 && !before.includes(overwritten)
  const lost = isForeign ? lostFields(statement, known, overwritten, state) : []
  if (lost.length > 0) world.truth.lostUpdates.set(id, lost)
  else if (isForeign && dependsOnTheRow(statement))
    world.truth.conflicts.set(id, changedFields(known, overwritten.values))
  seen.states.add(state)
  operation.base = state
  operation.known = state.values
}

/** Reads another row than its own. */
export function* readOther(world: World, operation: Operation, key: string): Steps {
  yield
  const state = world.rows.get(key)
  if (!state) throw new Error(`no row ${key}`)
  operation.seen.states.add(state)
  operation.sideReads.push({ state, tick: world.tick })
  reportRead(world, operation, state)
}

function reportRead(world: World, operation: Operation, state: RowState): void {
  world.report(operation.process, {
    kind: 'read',
    ...about(operation),
    entity: { type: 'candidate', id: state.key },
    system: 'db',
    found: true,
    version: state.token,
    fields: fingerprintsOf(state.values),
    transaction: 'none',
  })
}

function apply(statement: Statement, current: RowState['values']): Record<string, number> {
  const values: Record<string, number> = { ...current }
  for (const field of Object.keys(statement.assigned))
    values[field] = statement.values[field] ?? (current[field] ?? 0) + 1
  return values
}

/** The definition, by values. */
function lostFields(
  statement: Statement,
  base: RowState['values'] | undefined,
  overwritten: RowState,
  made: RowState,
): string[] {
  return Object.entries(statement.assigned)
    .filter(([field, assignment]) => {
      const [was, there, now] = [base?.[field], overwritten.values[field], made.values[field]]
      if (was === undefined || there === was) return false
      return assignment === 'counter' || (assignment === 'value' && (now === was || now !== there))
    })
    .map(([field]) => field)
    .sort()
}

function dependsOnTheRow({ assigned }: Statement): boolean {
  return Object.values(assigned).some((how) => how !== 'expression' && how !== 'last_write_wins')
}

function changedFields(before: RowState['values'] | undefined, after: RowState['values']): string[] {
  return Object.keys(after)
    .filter((field) => before?.[field] !== undefined && before[field] !== after[field])
    .sort()
}

export function about({ id, key }: Operation): object {
  return { operation_id: id, entity: { type: 'candidate', id: key } }
}

export function upwards(operation: Operation): Operation[] {
  return operation.parent ? [operation, ...upwards(operation.parent)] : [operation]
}

export function rootOf(operation: Operation): Operation {
  return operation.parent ? rootOf(operation.parent) : operation
}
