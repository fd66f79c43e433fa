import { onlyVersionFor } from './carried-version.ts'
import { gapBetween, Instant } from './clocks.ts'
import { eventsOf, type StoredOf } from './events.ts'
import type { MadeVersion } from './row-order.ts'
import { answerOf, isApart, type Run } from './runs.ts'

/** An acknowledged sync, with the write that made what it carries. */
export interface Applied {
  readonly run: Run
  readonly sync: StoredOf<'sync'>
  readonly made: MadeVersion
}

/** What tells which of two was applied last: the system's own revisions, one process's clock, or two. */
export type Order = 'revision' | 'monotonic' | 'wall'

/** An acknowledged sync that may carry a version. */
type Sent = Pick<Applied, 'run' | 'sync'>

export function sentVersions(runs: readonly Run[]): readonly Sent[] {
  const sent: Sent[] = []
  for (const run of runs)
    for (const sync of eventsOf(run.events, 'sync'))
      if (sync.outcome === 'ok' && sync.action !== 'delete') sent.push({ run, sync })
  return sent
}

/** Those that carry a version which the operation that they serve has made itself, by what they carry. Who sends what it
 *  only read may do so on purpose, as an undoing does. */
export function appliedSyncs(
  sent: readonly Sent[],
  made: readonly MadeVersion[],
): ReadonlyMap<MadeVersion, readonly Applied[]> {
  const applied = new Map<MadeVersion, Applied[]>()
  for (const { run, sync } of sent)
    for (const origin of originsOf(sync, run, made)) {
      const found = applied.get(origin)
      if (found) found.push({ run, sync, made: origin })
      else applied.set(origin, [{ run, sync, made: origin }])
    }
  return applied
}

function originsOf(sync: StoredOf<'sync'>, run: Run, made: readonly MadeVersion[]): readonly MadeVersion[] {
  const origins =
    sync.version === undefined
      ? [onlyVersionFor(sync, run, made)]
      : made.filter((origin) => origin.write.version === sync.version && serves(sync, run, origin))
  return origins.filter((origin) => origin !== undefined && origin.write.action !== 'delete') as MadeVersion[]
}

function serves(sync: StoredOf<'sync'>, run: Run, { run: maker, write }: MadeVersion): boolean {
  return sync.on_behalf_of === undefined ? !isApart(run, maker) : sync.on_behalf_of === write.operation_id
}

/** What says that `last` was surely applied after `first`; undefined where nothing does. */
export function appliedAfter(last: Applied, first: Applied): Order | undefined {
  // an attempt that the system had taken before is acknowledged again without being applied again, with whatever
  // revision the record has by then
  if (last.sync.attempt !== 1 || last.sync.idempotency_key !== undefined) return undefined
  const revisions = [revisionOf(first.sync), revisionOf(last.sync)]
  const [before, after] = revisions
  if (before !== undefined && after !== undefined && last.sync.external_id === first.sync.external_id)
    return before < after ? 'revision' : undefined
  const answered = answerOf(first.run, first.sync)
  return answered && gapBetween(answered, new Instant(last.run.process, last.sync))?.basis
}

function revisionOf({ external_ordered, external_version }: StoredOf<'sync'>): bigint | undefined {
  if (external_ordered !== true || external_version === undefined) return undefined
  return /^\d{1,40}$/.test(external_version) ? BigInt(external_version) : undefined
}
