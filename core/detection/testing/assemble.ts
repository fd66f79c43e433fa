import type { DetectedFinding, Finding, StoredEvent } from '../../contract/index.ts'
import type { OperationHistory } from '../history.ts'
import { detectOperation, settled } from '../index.ts'
import { withNeighbours } from './neighbours.ts'
import { simulatedProcess } from './simulated-world.ts'

/** Histories as a store puts them together from whatever has arrived: each event once, ascending by seq. */
function historiesOf(arrived: readonly StoredEvent[]): OperationHistory[] {
  const events = [...new Map(arrived.map((event) => [event.id, event])).values()].sort(
    (a, b) => a.seq - b.seq,
  )
  const bySeq = new Set(events.map((event) => `${event.process_id} ${event.seq}`))
  const operations = Map.groupBy(
    events.filter(({ kind }) => kind !== 'process_ended'),
    operationOf,
  )
  return [...operations].map(([operationId, own]) => {
    const [first] = own
    const last = own.at(-1)
    if (!first || !last) throw new Error('an operation without events')
    const finished = own.some((event) => event.kind === 'operation_finished')
    const whole = Array.from({ length: last.seq - first.seq + 1 }, (_, index) =>
      bySeq.has(`${first.process_id} ${first.seq + index}`),
    ).every(Boolean)
    const family = idsUnderSameRoot(events, operationId)
    return {
      operationId,
      process: simulatedProcess(first.process_id),
      events: own,
      complete: finished && whole,
      ...endOf(events, first, bySeq),
      family: events.filter((event) => operationOf(event) !== operationId && family.has(operationOf(event))),
    }
  })
}

/** The end of the process, and whether nothing is missing from the operation's first event up to it. */
function endOf(
  events: readonly StoredEvent[],
  { process_id, seq }: StoredEvent,
  bySeq: ReadonlySet<string>,
): Pick<OperationHistory, 'processEnd'> {
  const end = events.find((event) => event.kind === 'process_ended' && event.process_id === process_id)
  if (end?.kind !== 'process_ended') return {}
  const span = Array.from({ length: Math.max(0, end.last_seq - seq + 1) }, (_, index) => seq + index)
  return { processEnd: { event: end, whole: span.every((each) => bySeq.has(`${process_id} ${each}`)) } }
}

/** What stands after the batches arrived one after the other, with every operation judged after each of them;
 *  and the findings that were proven once and were not returned later. */
export function judgeArrivals(batches: readonly (readonly StoredEvent[])[]): {
  readonly findings: ReadonlyMap<string, DetectedFinding>
  readonly retracted: readonly string[]
} {
  const stored = new Map<string, DetectedFinding>()
  const retracted: string[] = []
  let arrived: readonly StoredEvent[] = []
  for (const batch of batches) {
    arrived = [...arrived, ...batch]
    const now = new Map<string, DetectedFinding>()
    for (const history of withNeighbours(historiesOf(arrived))) {
      const { findings, failures } = detectOperation(history)
      if (failures[0]) throw failures[0].error
      for (const finding of findings) now.set(finding.id, finding)
      const previous = [...stored.values()].map((finding) => ({ ...finding, status: 'open' }) as Finding)
      for (const { id } of settled(history, previous, findings)) stored.delete(id)
    }
    for (const { id, verdict } of stored.values())
      if (verdict === 'proven' && now.get(id)?.verdict !== 'proven') retracted.push(id)
    for (const finding of now.values()) stored.set(finding.id, finding)
  }
  return { findings: stored, retracted }
}

function idsUnderSameRoot(events: readonly StoredEvent[], operationId: string): Set<string> {
  const starts = events.filter((event) => event.kind === 'operation_started')
  const root = starts.find((event) => event.operation_id === operationId)?.root_operation_id
  return new Set(
    starts.filter((event) => event.root_operation_id === root).map((event) => event.operation_id),
  )
}

function operationOf(event: StoredEvent): string {
  return event.kind === 'process_ended' ? '' : event.operation_id
}
