import { eventsOf, type StoredOf, sameEntity } from './events.ts'
import type { MadeVersion } from './row-order.ts'
import type { Run } from './runs.ts'

/** The version that a sync carries, where the sync itself does not say: the operation that it serves made one version
 *  of the record and no other. That is an absence, so the operation must be here whole; it called nobody and was called
 *  by nobody, for whoever did may have made another. */
export function onlyVersionFor(
  sync: StoredOf<'sync'>,
  sender: Run,
  made: readonly MadeVersion[],
): MadeVersion | undefined {
  const served = sync.on_behalf_of ?? sender.operationId
  const [origin] = made.filter(
    ({ run, write }) => run.operationId === served && sameEntity(write.entity, sync.entity),
  )
  if (!origin || origin.write.system === sync.system) return undefined
  const { run } = origin
  if (run !== sender && writesOf(sender, sync).length > 0) return undefined
  // what was sent before the write was cannot carry what the write made, whatever its values say
  if (run === sender && sync.monotonic_us < origin.write.monotonic_us) return undefined
  return isAlone(run) && writesOf(run, sync).length === 1 ? origin : undefined
}

/** Its writes that may have changed the record. */
function writesOf({ events }: Run, { entity }: StoredOf<'sync'>): readonly StoredOf<'write'>[] {
  return eventsOf(events, 'write').filter(
    (write) =>
      (write.outcome !== 'rejected' && sameEntity(write.entity, entity)) || (write.rows_over_limit ?? 0) > 0,
  )
}

function isAlone({ complete, started, events }: Run): boolean {
  const [finished] = eventsOf(events, 'operation_finished')
  return (
    complete &&
    started.parent_operation_id === undefined &&
    finished !== undefined &&
    (finished.calls ?? 0) === 0 &&
    (finished.in_flight ?? 0) === 0
  )
}
