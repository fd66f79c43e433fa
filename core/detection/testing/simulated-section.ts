import type { Program } from './program.ts'
import { about, type Operation } from './simulated-operation.ts'
import { moment, type Steps, type Thread, type World } from './simulated-world.ts'

/** One run of a section, with the instants between which its lock was held, or should have been. */
export interface SectionRun {
  readonly operation: Operation
  readonly name: string
  readonly protection: Program['protection']
  readonly isVoid: boolean
  readonly fromTick: number
  untilTick: number
  /** Of `section_entered`. */
  id: string
}

type Declared = Pick<Program, 'section' | 'sectionName' | 'protection'>

/** Where it is void, nothing keeps others out; one that checks a version lets them in anyway. */
export function* enterSection(
  world: World,
  operation: Operation,
  thread: Thread,
  { section, sectionName: name, protection }: Declared,
  result: { run?: SectionRun },
): Steps {
  const isVoid = section === 'void'
  const lock = lockOf(operation, name, protection)
  if (!isVoid && protection !== 'version') {
    yield () => !world.held.has(lock)
    world.held.set(lock, thread)
  }
  yield
  const untilTick = Number.POSITIVE_INFINITY
  result.run = { operation, name, protection, isVoid, fromTick: world.tick, untilTick, id: '' }
}

/** Both ends are told when it is left; the lock goes a moment later. */
export function* leaveSection(world: World, run: SectionRun, thread: Thread): Steps {
  yield
  const { operation, name, protection, isVoid } = run
  run.untilTick = world.tick
  const section = {
    ...about(operation),
    ...{ name, protection, transaction: `tx-${operation.id}` },
    ...(protection === 'row_lock' && { locked: !isVoid }),
  }
  run.id = world.report(operation.process, { kind: 'section_entered', ...moment(run.fromTick), ...section })
  world.report(operation.process, { kind: 'section_left', ...moment(run.untilTick), ...section })
  world.sections.push(run)
  if (protection === 'row_lock' && isVoid) world.truth.voidLocks.add(name)
  yield
  const lock = lockOf(operation, name, protection)
  if (world.held.get(lock) === thread) world.held.delete(lock)
}

function lockOf({ key }: Operation, name: string, protection: string): string {
  return `${protection} ${name} ${key}`
}
