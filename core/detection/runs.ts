import { Instant } from './clocks.ts'
import { eventsOf, type StoredOf } from './events.ts'
import type { NeighbourHistory, OperationHistory } from './history.ts'

/** One operation beside others that it is judged with. */
export interface Run extends NeighbourHistory {
  readonly started: StoredOf<'operation_started'>
}

/** The operation and its neighbours, itself first; those whose start is not known are left out, because nobody
 *  can say what called them. */
export function runsOf(history: OperationHistory): readonly Run[] {
  const runs: Run[] = []
  const own = runOf(history)
  if (own) runs.push(own)
  for (const neighbour of history.neighbours ?? []) {
    const run = runOf(neighbour)
    if (run) runs.push(run)
  }
  return runs
}

export function runOf(history: NeighbourHistory): Run | undefined {
  const [started] = eventsOf(history.events, 'operation_started')
  const { operationId, process, events, complete } = history
  return started && { operationId, process, events, complete, started }
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

/** When the answer to it had come. Undefined where that is not told. */
export function answerOf(
  { process }: Run,
  event: {
    readonly at: string
    readonly monotonic_us: number
    readonly duration_us?: number | undefined
  },
): Instant | undefined {
  return event.duration_us === undefined ? undefined : new Instant(process, event, event.duration_us)
}
