import type { DetectedFinding, EntityRef } from '../contract/index.ts'
import { lastBy, type StoredOf, sameEntity } from './events.ts'
import type { OperationHistory } from './history.ts'
import { type WholeOperation, wholeOperation } from './whole-operation.ts'

/** Within how many seconds a write may reach the other system and count as consistent. */
const CONSISTENT_WITHIN_S = [60, 300, 600] as const

/** What became of what an operation committed about its entity, in one system that it had declared in `syncs`. */
export interface SyncedWrite {
  readonly entityType: string
  readonly system: string
  /** `unknown` where an answer never came, or where it cannot be told. */
  readonly result: 'reached' | 'split' | 'unknown'
  /** The least of `CONSISTENT_WITHIN_S` in which it was reached; absent: later, or not at all. */
  readonly withinS?: number | undefined
}

/** One for each system that was due when the operation ended; none where it committed nothing. What an outbox
 *  brings there later is not among them.
 *  @param findings of this operation: a split is one that is found */
export function syncedWrites(
  history: OperationHistory,
  findings: readonly DetectedFinding[],
): readonly SyncedWrite[] {
  const whole = wholeOperation(history)
  if (!whole) return []
  const { entity } = whole.started
  const due = (whole.started.syncs ?? []).filter(({ async }) => async !== true).map(({ system }) => system)
  return [...new Set(due)].flatMap((system): SyncedWrite[] => {
    const writes = committed(whole, system, entity)
    if (writes.length === 0) return []
    const said = { entityType: entity.type, system }
    const isSplit = findings.some(
      ({ kind, verdict, details }) =>
        kind === 'partial-write' && verdict === 'proven' && details.system === system,
    )
    if (isSplit) return [{ ...said, result: 'split' }]
    const lastMs = reachedAfterMs(whole, system, writes)
    if (lastMs === undefined) return [{ ...said, result: 'unknown' }]
    const withinS = CONSISTENT_WITHIN_S.find((bound) => lastMs <= bound * 1_000)
    return [{ ...said, result: 'reached', ...(withinS !== undefined && { withinS }) }]
  })
}

function committed({ writes }: WholeOperation, system: string, entity: EntityRef) {
  return writes.filter(
    (write) =>
      write.outcome === 'ok' &&
      write.rows_over_limit !== 0 &&
      write.system !== system &&
      sameEntity(write.entity, entity),
  )
}

/** From the first write's being sent to the last answer of the system: never less than the time in which they
 *  disagreed. Undefined where the last attempt was not acknowledged, or came before the last write. */
function reachedAfterMs(
  { syncs, started }: WholeOperation,
  system: string,
  writes: readonly StoredOf<'write'>[],
): number | undefined {
  const attempts = syncs.filter((sync) => sync.system === system && sameEntity(sync.entity, started.entity))
  const last = lastBy(attempts, ({ seq }) => seq)
  const lastWrite = lastBy(writes, ({ monotonic_us }) => monotonic_us)
  if (last?.outcome !== 'ok' || !lastWrite || last.process_id !== lastWrite.process_id) return undefined
  if (last.monotonic_us < lastWrite.monotonic_us) return undefined
  const firstUs = Math.min(...writes.map(({ monotonic_us }) => monotonic_us))
  return (last.monotonic_us + (last.duration_us ?? 0) - firstUs) / 1_000
}
