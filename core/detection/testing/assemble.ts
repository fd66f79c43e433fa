import type { DetectedFinding, Finding, StoredEvent } from '../../contract/index.ts'
import type { OperationHistory } from '../history.ts'
import * as detection from '../index.ts'
import { withNeighbours } from './neighbours.ts'
import { simulatedProcess } from './simulated-world.ts'

/** What judges; a changed copy of it too. */
export type Judge = Pick<typeof detection, 'detectors' | 'detectOperation' | 'settled' | 'detectionRules'>

/** Histories as a store puts them together from whatever has arrived: each event once, ascending by seq. */
/** @param looks whether somebody has looked for versions that nobody made */
export function historiesOf(
  arrived: readonly StoredEvent[],
  { looks = false }: { readonly looks?: boolean } = {},
): OperationHistory[] {
  const events = [...new Map(arrived.map((event) => [event.id, event])).values()].sort(
    (a, b) => a.seq - b.seq,
  )
  const bySeq = new Set(events.map((event) => `${event.process_id} ${event.seq}`))
  const operations = Map.groupBy(
    events.filter(({ kind }) => kind !== 'process_ended'),
    operationOf,
  )
  const roots = rootsOf(events)
  const unclaimed = looks ? unclaimedIn(events, bySeq) : undefined
  return [...operations].map(([operationId, own]) => {
    const [first] = own
    const last = own.at(-1)
    if (!first || !last) throw new Error('an operation without events')
    const finished = own.some((event) => event.kind === 'operation_finished')
    const root = roots.get(operationId)
    const isFamily = (event: StoredEvent) =>
      operationOf(event) !== operationId && roots.get(operationOf(event)) === root
    return {
      operationId,
      process: simulatedProcess(first.process_id),
      events: own,
      complete: finished && isWhole(bySeq, first, last.seq),
      ...endOf(events, first, bySeq),
      family: root === undefined ? [] : events.filter(isFamily),
      ...(unclaimed && { unclaimed }),
    }
  })
}

/** The end of the process, and whether nothing is missing from the operation's first event up to it. */
function endOf(
  events: readonly StoredEvent[],
  first: StoredEvent,
  bySeq: ReadonlySet<string>,
): Pick<OperationHistory, 'processEnd'> {
  const end = events.find((event) => event.kind === 'process_ended' && event.process_id === first.process_id)
  if (end?.kind !== 'process_ended') return {}
  return { processEnd: { event: end, whole: isWhole(bySeq, first, end.last_seq) } }
}

function isWhole(bySeq: ReadonlySet<string>, { process_id, seq }: StoredEvent, last: number): boolean {
  for (let each = seq; each <= last; each++) if (!bySeq.has(`${process_id} ${each}`)) return false
  return true
}

/** Versions that were replaced and that no write made; undefined where a write may be missing or does not tell what it
 *  made. */
function unclaimedIn(
  events: readonly StoredEvent[],
  bySeq: ReadonlySet<string>,
): ReadonlySet<string> | undefined {
  const ends = events.filter((event) => event.kind === 'process_ended')
  const isWholeProcess = (end: StoredEvent) =>
    end.kind === 'process_ended' && isWhole(bySeq, { ...end, seq: 0 }, end.last_seq)
  const processes = new Set(events.map(({ process_id }) => process_id))
  if (ends.length < Math.max(2, processes.size) || !ends.every(isWholeProcess)) return undefined
  const writes = events.filter((event) => event.kind === 'write')
  if (writes.some(({ outcome, rows_over_limit }) => outcome === 'unknown' || (rows_over_limit ?? 0) > 0))
    return undefined
  const made = new Set(writes.map(({ version }) => version))
  return new Set(
    writes.flatMap(({ overwritten_version: token }) => (token && !made.has(token) ? [token] : [])),
  )
}

/** What stands after the batches arrived one after the other, with every operation judged after each of them;
 *  and the findings that were proven once and were not returned later. */
export function judgeArrivals(
  batches: readonly (readonly StoredEvent[])[],
  { judge = detection, looks = false }: { readonly judge?: Judge; readonly looks?: boolean } = {},
): {
  readonly findings: ReadonlyMap<string, DetectedFinding>
  readonly retracted: readonly string[]
} {
  const stored = new Map<string, DetectedFinding>()
  const retracted: string[] = []
  let arrived: readonly StoredEvent[] = []
  for (const batch of batches) {
    arrived = [...arrived, ...batch]
    retracted.push(...judgeHistories(historiesOf(arrived, { looks }), stored, judge))
  }
  return { findings: stored, retracted }
}

/** Judges each of them and brings what is stored up to date. @returns what was proven before and is no longer */
export function judgeHistories(
  histories: readonly OperationHistory[],
  stored: Map<string, DetectedFinding>,
  judge: Judge = detection,
): readonly string[] {
  const now = new Map<string, DetectedFinding>()
  const previous = [...stored.values()].map((finding) => ({ ...finding, status: 'open' }) as Finding)
  for (const history of withNeighbours(histories, judge.detectionRules)) {
    const { findings, failures } = judge.detectOperation(history)
    if (failures[0]) throw failures[0].error
    for (const finding of findings) now.set(finding.id, finding)
    for (const { id } of judge.settled(history, previous, findings)) stored.delete(id)
  }
  const retracted = [...stored.values()]
    .filter(({ id, verdict }) => verdict === 'proven' && now.get(id)?.verdict !== 'proven')
    .map(({ id }) => id)
  for (const finding of now.values()) stored.set(finding.id, finding)
  return retracted
}

/** Of each operation whose start is known. */
function rootsOf(events: readonly StoredEvent[]): ReadonlyMap<string, string> {
  return new Map(
    events.flatMap((event) =>
      event.kind === 'operation_started' ? [[event.operation_id, event.root_operation_id] as const] : [],
    ),
  )
}

function operationOf(event: StoredEvent): string {
  return event.kind === 'process_ended' ? '' : event.operation_id
}
