import type { DetectedFinding, Finding, FindingKind, Resolution, StoredEvent } from '../contract/index.ts'
import { eventsOf, isCommitted, lastBy, type StoredOf, sameEntity } from './events.ts'
import { compareField } from './field-values.ts'
import type { OperationHistory } from './history.ts'
import { isAfter, type Moment, momentAfter } from './moment.ts'
import { carriesLineage, type Lineage, lineage } from './row-lineage.ts'

type Write = StoredOf<'write'>
type Sync = StoredOf<'sync'>

/** Whether a partial write is over: an acknowledged sync to the same system, sent after the commit, carries of
 *  every field of the finding the same value, or a later one of the row's chain of committed writes.
 *  Where the database was the side that rejected: what it held, or holds since, was sent again, or it took the
 *  same values later.
 *  @param entityEvents writes and syncs of the finding's entity since it happened, any order
 *  @returns undefined while it is not known to be over */
export function resolvePartialWrite(
  finding: DetectedFinding,
  entityEvents: readonly StoredEvent[],
): Resolution | undefined {
  const evidence = eventsOf(finding.witness.events, 'write')
  const write = lastBy(evidence, (candidate) => candidate.monotonic_us)
  const [finished] = eventsOf(finding.witness.events, 'operation_finished')
  const { system, how } = finding.details
  if (!write || !finished || typeof system !== 'string') return undefined
  const later = laterEvents(finding, write.system, system, entityEvents)
  if (how === 'write-rejected') return resolveWriteRejected(finding, write, finished, later)
  const refused = eventsOf(finding.witness.events, 'sync').findLast((sync) => sync.outcome === 'rejected')
  const rows = lineage(write.version, [write.fields, refused?.fields], later.writes)
  // the commit of a transaction is somewhere before the end of the operation
  const since = write.transaction === 'none' ? momentAfter(write) : finished
  const sync = later.syncs.find(
    (candidate) =>
      // only a committed version can be read, and then sent, by another operation
      (isAfter(candidate, since) || namesVersion(candidate, rows, write.operation_id)) &&
      carriesLineage(candidate, finding.fields, deletedBy(write, rows)),
  )
  return sync && acknowledged(sync, system)
}

/** Whether an unknown outcome is over. Of a sync: a later sync of the entity to the same system was acknowledged and
 *  carries the same values, or later ones of the row's chain of committed writes. Of a write or a commit: another
 *  operation's committed write replaced the version in question, so it was there.
 *  @param entityEvents writes and syncs of the finding's entity since it happened, any order
 *  @returns undefined while it is not known to be over */
export function resolveUnknownOutcome(
  finding: DetectedFinding,
  entityEvents: readonly StoredEvent[],
): Resolution | undefined {
  const attempt = lastBy(eventsOf(finding.witness.events, 'sync'), (sync) => sync.seq)
  if (attempt) {
    const later = laterEvents(finding, undefined, attempt.system, entityEvents)
    const rows = lineage(attempt.version, [attempt.fields], later.writes)
    const sync = later.syncs.find(
      (candidate) =>
        isAfter(candidate, momentAfter(attempt)) &&
        carriesLineage(candidate, Object.keys(attempt.fields), deletedBy(attempt, rows)),
    )
    return sync && acknowledged(sync, attempt.system)
  }
  const versions = new Set(eventsOf(finding.witness.events, 'write').flatMap(({ version }) => version ?? []))
  const replaced = eventsOf(entityEvents, 'write').find(
    (write) =>
      isCommitted(write) &&
      write.operation_id !== finding.cause.operation_id &&
      write.overwritten_version !== undefined &&
      versions.has(write.overwritten_version),
  )
  return (
    replaced && { at: replaced.at, why: 'It was committed: a later write replaced the version that it made.' }
  )
}

/** Kinds that rest on one operation alone. What also rests on another one is not over because that one was not
 *  looked at this time. */
const OWN_KINDS: readonly FindingKind[] = ['partial-write', 'unknown-outcome', 'orphaned-operation']

/** The indeterminate findings of this operation that are over, because judging it with more events no longer
 *  returns them. Judge it first, then pass what was stored of it before.
 *  @param previous stored findings; those of other operations, and those that a person or a comparison
 *    has to close, are left alone
 *  @param now all that `detectOperation` returned for this history */
export function settled(
  history: OperationHistory,
  previous: readonly Finding[],
  now: readonly DetectedFinding[],
): readonly { readonly id: string; readonly resolution: Resolution }[] {
  if (previous.length === 0) return []
  const current = new Set(now.map((finding) => finding.id))
  const at = lastBy(history.events, (event) => event.seq)?.at
  if (at === undefined) return []
  const resolution = { at, why: 'Later events of the operation settled it.' }
  return previous
    .filter(({ verdict, status }) => verdict === 'indeterminate' && status !== 'resolved')
    .filter(({ kind }) => OWN_KINDS.includes(kind))
    .filter(({ cause, id }) => cause.operation_id === history.operationId && !current.has(id))
    .map(({ id }) => ({ id, resolution }))
}

interface LaterEvents {
  readonly writes: readonly Write[]
  readonly syncs: readonly Sync[]
}

/** Committed writes to the row and acknowledged syncs to the system that the finding does not rest on itself. */
function laterEvents(
  finding: DetectedFinding,
  database: string | undefined,
  system: string,
  entityEvents: readonly StoredEvent[],
): LaterEvents {
  const { entity } = finding
  const own = new Set(finding.witness.events.map((event) => event.id))
  const others = entityEvents
    .filter((event) => !own.has(event.id))
    .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  return {
    writes: eventsOf(others, 'write').filter(
      (write) =>
        isCommitted(write) &&
        entity !== undefined &&
        sameEntity(write.entity, entity) &&
        (database === undefined ? write.system !== system : write.system === database),
    ),
    syncs: eventsOf(others, 'sync').filter(
      (sync) =>
        sync.outcome === 'ok' &&
        sync.system === system &&
        entity !== undefined &&
        sameEntity(sync.entity, entity),
    ),
  }
}

function resolveWriteRejected(
  finding: DetectedFinding,
  write: Write,
  finished: Moment,
  later: LaterEvents,
): Resolution | undefined {
  const replaced = [write.overwritten_fields ?? write.base_fields]
  const rows = lineage(write.overwritten_version ?? write.base_version, replaced, later.writes)
  const sync = later.syncs.find(
    (candidate) => isAfter(candidate, finished) && carriesLineage(candidate, finding.fields, rows),
  )
  if (sync) return acknowledged(sync, sync.system)
  const repeated = later.writes.find(
    (candidate) =>
      isAfter(candidate, finished) &&
      candidate.action === write.action &&
      finding.fields.every((field) => compareField(candidate.fields, write.fields, field) === 'same'),
  )
  return repeated && { at: repeated.at, why: 'The database took the same values later.' }
}

function namesVersion(sync: Sync, rows: Lineage, operationId: string): boolean {
  return sync.operation_id !== operationId && sync.version !== undefined && rows.versions.has(sync.version)
}

function deletedBy(origin: Write | Sync, rows: Lineage): Lineage {
  return origin.action === 'delete' ? { ...rows, deleted: true } : rows
}

function acknowledged(sync: Sync, system: string): Resolution {
  return { at: sync.at, why: `${system} acknowledged the same values, or later ones of the same row.` }
}
