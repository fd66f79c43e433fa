import type { ProcessReport, StoredEvent } from '@syncproof/core/contract'
import { detectionRules, type NeighbourHistory, type OperationHistory } from '@syncproof/core/detection'

/** Histories as the store hands them over, put together from the events of one round. Its processes are quiet before
 *  and after it, so that no operation reaches beyond it.
 *  @param whole nothing that any process produced is missing */
export function historiesOf(
  arrived: readonly StoredEvent[],
  processes: ReadonlyMap<string, ProcessReport>,
  whole: boolean,
): OperationHistory[] {
  const unique = [...new Map(arrived.map((event) => [event.id, event])).values()]
  const inOrder = unique.sort((a, b) => a.seq - b.seq)
  const missing = new Map<string, (from: number, to: number) => boolean>()
  for (const [id, events] of Map.groupBy(inOrder, ({ process_id }) => process_id))
    missing.set(id, gapsIn(events))
  const byOperation = new Map<string, StoredEvent[]>()
  const roots = new Map<string, string>()
  const ends = new Map<string, Extract<StoredEvent, { kind: 'process_ended' }>>()
  for (const event of inOrder) {
    if (event.kind === 'process_ended') {
      ends.set(event.process_id, event)
      continue
    }
    const own = byOperation.get(event.operation_id)
    if (own) own.push(event)
    else byOperation.set(event.operation_id, [event])
    if (event.kind === 'operation_started') roots.set(event.operation_id, event.root_operation_id)
  }
  const families = Map.groupBy(roots.keys(), (operation) => roots.get(operation) ?? '')
  const histories = [...byOperation].map(([operationId, events]): OperationHistory => {
    const [first] = events
    const last = events.at(-1)
    const process = processes.get(first?.process_id ?? '')
    if (!first || !last || !process) throw new Error('an operation without events')
    const isMissing = missing.get(process.id)
    const end = ends.get(process.id)
    const kin = families.get(roots.get(operationId) ?? '') ?? []
    return {
      operationId,
      process,
      events,
      complete: events.some(({ kind }) => kind === 'operation_finished') && !isMissing?.(first.seq, last.seq),
      family: kin.filter((id) => id !== operationId).flatMap((id) => byOperation.get(id) ?? []),
      ...(end && { processEnd: { event: end, whole: !isMissing?.(first.seq, end.last_seq) } }),
    }
  })
  return withNeighbours(whole ? withUnclaimed(histories, inOrder) : histories)
}

/** Where nothing is missing, a version that no write made was made by somebody who reports nothing. */
function withUnclaimed(
  histories: readonly OperationHistory[],
  events: readonly StoredEvent[],
): OperationHistory[] {
  const made = new Set(events.map((event) => (event.kind === 'write' ? event.version : undefined)))
  return histories.map((history) => {
    const replaced = history.events.flatMap((event) =>
      event.kind === 'write' ? (event.overwritten_version ?? []) : [],
    )
    return { ...history, unclaimed: new Set(replaced.filter((version) => !made.has(version))) }
  })
}

/** Whether a sequence number between two is not there. */
function gapsIn(events: readonly StoredEvent[]): (from: number, to: number) => boolean {
  const places = new Map(events.map(({ seq }, place) => [seq, place]))
  return (from, to) => {
    const [first, last] = [places.get(from), places.get(to)]
    return first === undefined || last === undefined || last - first !== to - from
  }
}

function withNeighbours(histories: readonly OperationHistory[]): OperationHistory[] {
  const byLink = new Map<string, NeighbourHistory[]>()
  for (const history of histories)
    for (const link of new Set(history.events.flatMap(detectionRules.linksOf))) {
      const found = byLink.get(link)
      if (found) found.push(history)
      else byLink.set(link, [history])
    }
  return histories.map((history) => ({ ...history, neighbours: neighboursOf(history, byLink) }))
}

function neighboursOf(
  own: OperationHistory,
  byLink: ReadonlyMap<string, readonly NeighbourHistory[]>,
): NeighbourHistory[] {
  const found = new Set<NeighbourHistory>()
  const { hopsMax, neighboursMax } = detectionRules.limits
  let edge: NeighbourHistory[] = [own]
  for (let hop = 1; hop <= hopsMax && edge.length > 0; hop++) {
    const links = new Set(edge.flatMap((history) => detectionRules.linksWanted(history, hop)))
    const next = new Set([...links].flatMap((link) => byLink.get(link) ?? []))
    edge = [...next].filter((history) => history.operationId !== own.operationId && !found.has(history))
    for (const history of edge) if (found.size < neighboursMax) found.add(history)
  }
  return [...found]
}
