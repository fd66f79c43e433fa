import type { Outcome, SyncTarget } from '../../contract/index.ts'
import { isBeyondEvents, splitSystems } from './simulated-split.ts'
import { fingerprintsOf, type RowState, type Steps, type World } from './simulated-world.ts'

/** What all operations under one root have seen; the SDK tracks the same by token. */
interface Seen {
  readonly states: Set<RowState>
  incomplete: boolean
}

export interface PastWrite {
  readonly by: Operation
  readonly outcome: Outcome
  readonly sentTick: number
  answeredTick: number
  readonly base: RowState | undefined
  readonly overwritten: RowState
  readonly made: RowState | undefined
  readonly after: Readonly<Record<string, number>>
  readonly fields: readonly string[]
  /** Those that the app computed. */
  readonly valueFields: readonly string[]
  /** Marked by hand: its event does not say what it replaced. */
  readonly isBlind: boolean
  readonly isGuarded: boolean
  /** It overwrote what its own transaction had made. */
  readonly isOwnChange: boolean
  /** Of its event. */
  id?: string
}

/** A read of a row that the operation does not write. */
interface SideRead {
  readonly state: RowState
  readonly tick: number
  readonly hasVersion: boolean
}

/** One run of a wrapped function, with the truth about it beside what it reports. */
export interface Operation {
  readonly id: string
  readonly process: number
  readonly key: string
  readonly parent: Operation | undefined
  readonly syncs: readonly SyncTarget[]
  readonly seen: Seen
  /** What it last knew of each field. */
  known: Readonly<Record<string, number>> | undefined
  base: RowState | undefined
  /** The section that it is in, and whether it read the row there. */
  section: { readonly name: string; readonly base_read_inside: boolean } | undefined
  /** In the order in which they were applied, those of called operations too. */
  readonly writes: PastWrite[]
  readonly attempts: { readonly system: string; readonly outcome: Outcome }[]
  readonly sideReads: SideRead[]
  /** It has ended, with nothing under way, and called nobody. */
  endedAlone: boolean
  carriedByRejected: boolean
  /** It changed rows that nobody counted. */
  wroteInBulk: boolean
  inFlight: number
  calls: number
}

export interface Start {
  readonly process: number
  readonly key: string
  readonly parent?: Operation
  readonly syncs?: readonly SyncTarget[]
}

export function begin(world: World, { process, key, parent, syncs }: Start): Operation {
  const operation: Operation = {
    id: world.newId(),
    process,
    key,
    parent,
    syncs: syncs ?? [],
    seen: parent?.seen ?? { states: new Set(), incomplete: false },
    known: parent?.known,
    base: parent?.base,
    section: undefined,
    writes: [],
    attempts: [],
    sideReads: [],
    endedAlone: false,
    carriedByRejected: false,
    wroteInBulk: false,
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
  for (const system of splitSystems(operation)) world.truth.partialWrites.add(`${operation.id} ${system}`)
  world.report(operation.process, {
    kind: 'operation_finished',
    operation_id: operation.id,
    outcome: 'ok',
    ...(inFlight > 0 && { in_flight: inFlight }),
    ...(calls > 0 && { calls }),
  })
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

/** Reads another row than its own; from a cache, which does not say which version it is. */
export function* readOther(
  world: World,
  operation: Operation,
  key: string,
  { isCached }: { readonly isCached: boolean },
): Steps {
  yield
  const state = world.rows.get(key)
  if (!state) throw new Error(`no row ${key}`)
  if (!isCached) operation.seen.states.add(state)
  operation.sideReads.push({ state, tick: world.tick, hasVersion: !isCached })
  reportRead(world, operation, state, isCached)
}

function reportRead(world: World, operation: Operation, state: RowState, isCached = false): void {
  world.report(operation.process, {
    kind: 'read',
    ...about(operation),
    entity: { type: 'candidate', id: state.key },
    system: 'db',
    found: true,
    ...(!isCached && { version: state.token }),
    fields: fingerprintsOf(state.values),
    transaction: 'none',
  })
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
