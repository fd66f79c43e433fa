import { about, type Operation } from './simulated-operation.ts'
import { moment, type Steps, type Thread, type World } from './simulated-world.ts'

/** One run of a section, with the instants between which its lock was held, or should have been. */
export interface SectionRun {
  readonly operation: Operation
  readonly fromTick: number
  untilTick: number
  /** Of `section_entered`. */
  id: string
}

/** @param isVoid nothing keeps others out */
export function* enterSection(
  world: World,
  operation: Operation,
  thread: Thread,
  { isVoid, result }: { readonly isVoid: boolean; readonly result: { run?: SectionRun } },
): Steps {
  const { key } = operation
  if (!isVoid) {
    yield () => !world.held.has(key)
    world.held.set(key, thread)
  }
  yield
  result.run = { operation, fromTick: world.tick, untilTick: Number.POSITIVE_INFINITY, id: '' }
}

/** Both ends are told when it is left; the lock goes a moment later. */
export function* leaveSection(world: World, run: SectionRun, thread: Thread): Steps {
  yield
  const { operation } = run
  run.untilTick = world.tick
  const section = {
    ...about(operation),
    ...{ name: 'merge', protection: 'advisory_lock', transaction: `tx-${operation.id}` },
  }
  run.id = world.report(operation.process, { kind: 'section_entered', ...moment(run.fromTick), ...section })
  world.report(operation.process, { kind: 'section_left', ...moment(run.untilTick), ...section })
  world.sections.push(run)
  yield
  if (world.held.get(operation.key) === thread) world.held.delete(operation.key)
}
