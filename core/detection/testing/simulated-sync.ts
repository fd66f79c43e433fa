import type { Answer } from './program.ts'
import { about, type Operation, upwards } from './simulated-operation.ts'
import { fingerprintsOf, moment, type RowState, type Steps, type World } from './simulated-world.ts'

/** What a system was brought: its own log, in the order of applying. */
export interface AppliedSync {
  /** The operation that it serves. */
  readonly operation: Operation
  readonly system: string
  /** The row that the payload was. */
  readonly state: RowState
  readonly values: RowState['values']
  readonly revision: number
  readonly answer: Answer
  /** It says which version it carries. */
  readonly isNamed: boolean
  /** Of its event, once it is reported. */
  id?: string
}

/** What one sync brings. */
export interface Payload {
  /** Default `ats`. */
  readonly system?: string
  /** Whose write it carries, where another one sends it. */
  readonly onBehalfOf?: Operation
  readonly values: RowState['values']
  /** Where it is a row as it was read or written. */
  readonly state?: RowState | undefined
  readonly answer: Answer
  /** Whether it says which version that is. */
  readonly isNamed: boolean
  /** Whether the system tells its revision. */
  readonly revisions: boolean
}

/** The call begins when this is called; the steps are its sending, its applying and its answer. */
export function syncRow(world: World, operation: Operation, payload: Payload): Steps {
  operation.inFlight++
  return sendSync(world, operation, payload)
}

function* sendSync(world: World, operation: Operation, payload: Payload): Steps {
  const { state, answer, values, isNamed, system = 'ats', onBehalfOf } = payload
  yield
  const sent = moment(world.tick)
  yield
  const isApplied = answer === 'ok' || answer === 'reply_lost'
  const revision = isApplied ? ++world.revision : undefined
  const applied: AppliedSync | undefined =
    revision !== undefined && state
      ? { operation: onBehalfOf ?? operation, system, state, values, revision, answer, isNamed }
      : undefined
  if (applied) world.applied.push(applied)
  yield
  const outcome = answer === 'ok' || answer === 'rejected' ? answer : 'unknown'
  operation.inFlight--
  for (const each of upwards(operation)) each.attempts.push({ system, outcome })
  const id = world.report(operation.process, {
    kind: 'sync',
    ...about(operation),
    ...sent,
    system,
    action: 'update',
    ...(onBehalfOf && { on_behalf_of: onBehalfOf.id }),
    ...(state && isNamed && { version: state.token }),
    fields: fingerprintsOf(values),
    outcome,
    attempt: operation.attempts.filter((attempt) => attempt.system === system).length,
    duration_us: world.tick * 1_000 - sent.monotonic_us,
    ...(payload.revisions &&
      outcome === 'ok' && { external_version: String(revision), external_ordered: true }),
  })
  if (applied) applied.id = id
}

/** Asks the system to make a record under the operation's own key, which it should hold once and does not. */
export function* createRecord(world: World, operation: Operation, answer: Answer): Steps {
  yield
  const sent = moment(world.tick)
  yield
  const isApplied = answer === 'ok' || answer === 'reply_lost'
  const record = isApplied ? `record-${++world.revision}` : undefined
  yield
  const outcome = answer === 'ok' || answer === 'rejected' ? answer : 'unknown'
  const { key } = operation
  if (record !== undefined && outcome === 'ok')
    world.truth.created.set(key, [...(world.truth.created.get(key) ?? []), record])
  world.report(operation.process, {
    kind: 'sync',
    ...about(operation),
    ...sent,
    system: 'crm',
    action: 'create',
    fields: {},
    outcome,
    attempt: 1,
    unique_key: Object.values(fingerprintsOf({ key: Number(key) }))[0],
    ...(outcome === 'ok' && { external_id: record }),
  })
}
