import type { Assignment, Outcome } from '../../contract/index.ts'
import type { Program } from './program.ts'
import { recordForeign } from './simulated-losses.ts'
import { about, type Operation, type PastWrite, upwards } from './simulated-operation.ts'
import {
  fingerprintsOf,
  moment,
  type RowState,
  type Steps,
  type Thread,
  type World,
} from './simulated-world.ts'

/** One UPDATE of one row. */
export interface Statement {
  readonly assigned: Readonly<Record<string, Assignment>>
  /** Undefined for what SQL computes. */
  readonly values: Readonly<Record<string, number | undefined>>
  readonly checksVersion: boolean
  readonly fate: Program['fate']
  readonly unseen?: Program['unseen']
  readonly marked?: boolean
  /** A check that fails finds no row, which is an answer and no refusal. */
  readonly missIsAnswer?: boolean
}

/** What became of it, once it is done. */
export interface WriteResult {
  ok: boolean
}

/** Sends an UPDATE, waits for the row's lock, and commits. @returns whether it is known to be committed, in `result` */
export function* writeRow(
  world: World,
  operation: Operation,
  thread: Thread,
  statement: Statement,
  result: WriteResult,
): Steps {
  yield
  const { key, base, known, seen } = operation
  const sent = moment(world.tick)
  const before = [...seen.states].filter((state) => state.key === key)
  const knownIncomplete = seen.incomplete
  yield () => !world.locks.has(key) || world.locks.get(key) === thread
  world.locks.set(key, thread)
  yield
  const done = carryOut(world, operation, statement)
  world.locks.delete(key)
  const write: PastWrite = {
    ...done,
    by: operation,
    base,
    sentTick: sent.monotonic_us / 1_000,
    answeredTick: Number.POSITIVE_INFINITY,
    fields: Object.keys(statement.assigned),
    valueFields: fieldsOf(statement, 'value'),
    isGuarded: statement.checksVersion,
    isBlind: statement.marked === true && done.outcome === 'ok',
  }
  const isAnswer = done.isMissed && statement.missIsAnswer === true
  if (!isAnswer) for (const each of upwards(operation)) each.writes.push(write)
  // applied, and the answer is on its way
  yield
  write.answeredTick = world.tick
  write.id = world.report(operation.process, {
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
    ...(isAnswer
      ? { fields: {}, rows_over_limit: 0, outcome: 'ok' }
      : { ...outcomeOf(statement, write, done.isOwnChange), outcome: done.outcome }),
    duration_us: world.tick * 1_000 - sent.monotonic_us,
    guard: statement.checksVersion ? 'version' : 'none',
    ...(operation.section && { section: operation.section }),
    transaction: 'none',
  })
  if (done.outcome === 'unknown') {
    seen.incomplete = true
    world.truth.blindSpots++
  }
  result.ok = done.outcome === 'ok'
  if (done.outcome !== 'ok' || !done.made) return
  const isForeign =
    !knownIncomplete && before.length > 0 && !before.includes(done.overwritten) && !done.isOwnChange
  if (isForeign && !write.isBlind) recordForeign(world, operation, statement, write, known)
  seen.states.add(done.made)
  operation.base = done.made
  operation.known = done.made.values
}

interface Done {
  readonly outcome: Outcome
  readonly overwritten: RowState
  readonly made: RowState | undefined
  readonly after: Record<string, number>
  readonly isMissed: boolean
  readonly isOwnChange: boolean
}

/** What the database does with it, holding the row's lock. */
function carryOut(world: World, { key, base }: Operation, statement: Statement): Done {
  const found = world.rows.get(key)
  if (!found) throw new Error(`no row ${key}`)
  const { fate, unseen = 'nothing' } = statement
  const isMissed = statement.checksVersion && found !== base
  const isApplied = !isMissed && (fate === 'commit' || fate === 'unknown_committed')
  const isOwnChange = isApplied && unseen !== 'nothing'
  const overwritten = isOwnChange
    ? world.replaceRow(key, { ...found.values, n: (found.values.n ?? 0) + 1 })
    : found
  const after = apply(statement, overwritten.values)
  const made = isApplied ? world.replaceRow(key, after) : undefined
  const outcome = isMissed || fate === 'roll_back' ? 'rejected' : made && fate === 'commit' ? 'ok' : 'unknown'
  return { outcome, overwritten, made, after, isMissed, isOwnChange }
}

/** What the answer says of it. */
function outcomeOf(statement: Statement, { outcome, overwritten, made, after }: PastWrite, isOwn: boolean) {
  const intended = Object.fromEntries(
    Object.entries(statement.values).filter(([, value]) => value !== undefined),
  ) as Record<string, number>
  const version = outcome === 'ok' && made && { version: made.token }
  if (outcome === 'rejected') return { fields: fingerprintsOf(intended) }
  if (statement.marked) return { fields: fingerprintsOf(after), ...version }
  return {
    fields: fingerprintsOf(after),
    overwritten_version: overwritten.token,
    ...(statement.unseen !== 'undecided' && { overwritten_by_self: isOwn }),
    overwritten_fields: fingerprintsOf(overwritten.values),
    ...version,
  }
}

function fieldsOf({ assigned }: Statement, how: Assignment): string[] {
  return Object.keys(assigned).filter((field) => assigned[field] === how)
}

function apply(statement: Statement, current: RowState['values']): Record<string, number> {
  const values: Record<string, number> = { ...current }
  for (const field of Object.keys(statement.assigned))
    values[field] = statement.values[field] ?? (current[field] ?? 0) + 1
  return values
}

/** One statement that counts up a field of every row; of so many rows it reports only that there were many. */
export function* writeAll(world: World, operation: Operation, thread: Thread): Steps {
  yield
  const sent = moment(world.tick)
  for (const key of [...world.rows.keys()].sort()) {
    yield () => !world.locks.has(key) || world.locks.get(key) === thread
    world.locks.set(key, thread)
  }
  yield
  for (const { key, values } of [...world.rows.values()]) {
    world.replaceRow(key, { ...values, n: (values.n ?? 0) + 1 })
    world.locks.delete(key)
  }
  operation.seen.incomplete = true
  operation.wroteInBulk = true
  world.truth.blindSpots++
  yield
  world.report(operation.process, {
    kind: 'write',
    ...about(operation),
    ...sent,
    system: 'db',
    action: 'update',
    known_versions: [],
    known_incomplete: true,
    assigned: { n: 'expression' },
    fields: {},
    rows_over_limit: world.rows.size,
    guard: 'none',
    transaction: 'none',
    outcome: 'ok',
    duration_us: world.tick * 1_000 - sent.monotonic_us,
  })
}

/** A writer that reports nothing. */
export function* writeUnreported(
  world: World,
  key: string,
  thread: Thread,
  change: Record<string, number>,
): Steps {
  yield
  yield () => !world.locks.has(key)
  world.locks.set(key, thread)
  yield
  const found = world.rows.get(key)
  world.unreported.add(world.replaceRow(key, { ...found?.values, ...change }))
  world.locks.delete(key)
}
