import type { Cause } from '../contract/index.ts'
import { causeOf } from './cause.ts'
import type { Instant } from './clocks.ts'
import { eventsOf, type StoredOf } from './events.ts'
import type { NeighbourHistory, OperationHistory } from './history.ts'

/** One operation beside others that it is judged with. */
export interface Run extends NeighbourHistory {
  readonly started: StoredOf<'operation_started'>
}

/** The operation and its neighbours, itself first; those whose start is not known are left out, because nobody
 *  can say what called them. */
export function runsOf(history: OperationHistory): readonly Run[] {
  return [history, ...(history.neighbours ?? [])].flatMap((run) => runOf(run) ?? [])
}

export function runOf(history: NeighbourHistory): Run | undefined {
  const [started] = eventsOf(history.events, 'operation_started')
  return started && { ...history, started }
}

/** What one call did is never held against another call that it made itself, or that made it. */
export function isApart(a: Run, b: Run): boolean {
  const [root, other] = [a.started.root_operation_id, b.started.root_operation_id]
  return Boolean(root && other) && root !== other
}

/** Whether two events surely ran in different transactions. Each statement outside of one is its own. */
export function inDifferentTransactions(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return a !== b || a === 'none'
}

export function instantOf({ process }: Run, event: Pick<Instant, 'at' | 'monotonic_us'>): Instant {
  return { process, at: event.at, monotonic_us: event.monotonic_us }
}

/** When the answer to it had come. Undefined where that is not told. */
export function answerOf(
  run: Run,
  event: Pick<Instant, 'at' | 'monotonic_us'> & { readonly duration_us?: number | undefined },
): Instant | undefined {
  const { at, monotonic_us, duration_us } = event
  if (duration_us === undefined) return undefined
  return { process: run.process, at, monotonic_us: monotonic_us + duration_us, after_us: duration_us }
}

/** Who did it, of whatever run. */
export function causeOfRun(run: Run): Cause {
  return causeOf({ ...run, family: [] })
}
