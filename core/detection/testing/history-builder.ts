import type { ProcessReport, StoredEvent, SyncproofEvent } from '../../contract/index.ts'
import type { OperationHistory } from '../history.ts'
import type { Step } from './steps.ts'

export * from './steps.ts'

/** Short histories for tests. */

export const processReport: ProcessReport = {
  id: '018f0000-0000-4000-8000-000000000001',
  service: 'candidate-api',
  release: 'abc123',
}

/** A whole, complete history of the outermost operation; called ones are its family. Each step is sent a
 *  millisecond after the one before. */
export function history(...steps: readonly Step[]): OperationHistory {
  return operation({}, ...steps)
}

export interface Place {
  /** Operations of one test differ in it; so do their ids, and their places in the process's sequence. Default 0. */
  readonly operation?: number
  /** When its first step is sent, in milliseconds since the test began. Default 0. */
  readonly fromMs?: number
  readonly process?: ProcessReport
}

/** `history`, somewhere. */
export function operation(place: Place, ...steps: readonly Step[]): OperationHistory {
  const { operation: number = 0, fromMs = 0, process = processReport } = place
  const first = number * 1_000
  const events: StoredEvent[] = []
  let calls = 0
  const run = (operation: readonly Step[], parent: string | undefined): void => {
    const operationId = operationIdOf(first + calls++)
    for (const each of operation) {
      if ('call' in each) run(each.call, operationId)
      else {
        const index = events.length
        const sentMs = fromMs + index + (each.sentMs ?? 0)
        const about = { index: first + index, sentMs, operationId, root: operationIdOf(first), parent }
        events.push(stored(withCalls(each.event, operation), process, about))
      }
    }
  }
  run(steps, undefined)
  const isOwn = (event: StoredEvent) =>
    event.kind !== 'process_ended' && event.operation_id === operationIdOf(first)
  return {
    operationId: operationIdOf(first),
    process,
    events: events.filter(isOwn),
    complete: events.some((event) => isOwn(event) && event.kind === 'operation_finished'),
    family: events.filter((event) => !isOwn(event)),
  }
}

/** The first of these, with the others as its neighbours. */
export function beside(own: OperationHistory, ...others: readonly OperationHistory[]): OperationHistory {
  return { ...own, neighbours: others }
}

/** The history of the first operation that the outermost one called. */
export function historyOfCalled(whole: OperationHistory): OperationHistory {
  return { ...whole, operationId: operationIdOf(1), events: whole.family, family: whole.events }
}

/** The same, with something missing somewhere. */
export function incomplete(whole: OperationHistory): OperationHistory {
  return { ...whole, complete: false }
}

/** Without a field in all events of a kind, those of neighbours too; or with another value for it. */
export function without(
  whole: OperationHistory,
  kind: SyncproofEvent['kind'],
  field: string,
  value?: unknown,
): OperationHistory {
  const strip = <E extends StoredEvent>(event: E) => {
    const { [field]: _, ...rest } = event as E & Record<string, unknown>
    return (event.kind === kind ? { ...rest, ...(value !== undefined && { [field]: value }) } : event) as E
  }
  const all = (events: readonly StoredEvent[]) => events.map(strip)
  return {
    ...whole,
    events: all(whole.events),
    family: all(whole.family),
    ...(whole.neighbours && {
      neighbours: whole.neighbours.map((other) => ({ ...other, events: all(other.events) })),
    }),
    ...(whole.processEnd && {
      processEnd: { ...whole.processEnd, event: strip(whole.processEnd.event) },
    }),
  }
}

/** Bare events of other operations of the same process, `afterMs` later. */
export function laterEvents(afterMs: number, ...steps: readonly Step[]): readonly StoredEvent[] {
  const offset = Math.max(100, afterMs)
  return steps.flatMap((each, index) =>
    'call' in each
      ? []
      : [stored(each.event, processReport, laterAt(offset + index, operationIdOf(9_000 + offset)))],
  )
}

/** What the SDK says at the end: how many it called. */
function withCalls(event: object, operation: readonly Step[]): object {
  const calls = operation.filter((each) => 'call' in each).length
  const isEnd = 'kind' in event && event.kind === 'operation_finished'
  return isEnd && calls > 0 ? { calls, ...event } : event
}

function operationIdOf(index: number): string {
  return `018f0000-0000-4000-9000-${index.toString(16).padStart(12, '0')}`
}

const START_MS = Date.UTC(2026, 10, 20, 12)

interface EventPlace {
  readonly index: number
  readonly sentMs: number
  readonly operationId: string
  readonly root: string
  readonly parent: string | undefined
}

function laterAt(index: number, operationId: string): EventPlace {
  return { index, sentMs: index, operationId, root: operationIdOf(0), parent: undefined }
}

function stored(event: object, process: ProcessReport, place: EventPlace): StoredEvent {
  const { index, sentMs, operationId, root, parent } = place
  const isStart = 'kind' in event && event.kind === 'operation_started'
  return {
    id: `018f0000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`,
    seq: index,
    at: new Date(START_MS + sentMs).toISOString(),
    monotonic_us: sentMs * 1_000,
    operation_id: operationId,
    process_id: process.id,
    ...(isStart && { root_operation_id: root }),
    ...(isStart && parent !== undefined && { parent_operation_id: parent }),
    duration_us: 500,
    ...event,
  } as unknown as StoredEvent
}
