import { type DetectedFinding, findingId } from '../../contract/index.ts'
import { actorOf, causeOf, entityText } from '../cause.ts'
import { eventsOf, type StoredOf } from '../events.ts'
import { compareField } from '../field-values.ts'
import { foreignVersionOf } from '../foreign-version.ts'
import type { Detector, OperationHistory } from '../history.ts'
import { lossesOf } from './lost-update.ts'

/** The same foreign version as in a lost update, and no field is proven lost: the caller supplied what was
 *  written, or the two writers touched different fields. Proven by the write alone. Primary: the write. */
export const writeConflict: Detector = {
  id: 'write-conflict',
  title: 'A committed write replaced a version that it had not read, with no loss proven',
  needs: ['write'],
  reads: [
    'write.outcome',
    'write.transaction',
    'write.overwritten_version',
    'write.overwritten_by_self',
    'write.known_versions',
    'write.assigned',
  ],
  heeds: [
    'write.action',
    'write.base_version',
    'write.known_incomplete',
    'write.version',
    'write.rows_over_limit',
    'write.fields',
    'write.base_fields',
    'write.overwritten_fields',
  ],
  detect(history) {
    return eventsOf(history.events, 'write')
      .filter((write) => foreignVersionOf(write) !== undefined && lossesOf(write).size === 0)
      .filter(dependsOnTheRow)
      .map((write) => finding(history, write))
  },
}

/** `SET score = score + 1`, or fields whose last writer wins by declaration, are right on any version. */
function dependsOnTheRow(write: StoredOf<'write'>): boolean {
  return (
    write.action === 'delete' ||
    Object.values(write.assigned).some((kind) => kind !== 'expression' && kind !== 'last_write_wins')
  )
}

function finding(history: OperationHistory, write: StoredOf<'write'>): DetectedFinding {
  const cause = causeOf(history)
  const changedByOther = Object.keys(write.overwritten_fields ?? {})
    .filter((field) => compareField(write.base_fields, write.overwritten_fields, field) === 'different')
    .sort()
  return {
    id: findingId('write-conflict', write.id),
    kind: 'write-conflict',
    verdict: 'proven',
    severity: 'low',
    entity: write.entity,
    fields: changedByOther,
    summary: `${actorOf(cause)} replaced a version of ${entityText(write.entity)} that it had not read; no loss is proven`,
    cause,
    witness: { events: [write] },
    occurred_at: write.at,
    details: {
      system: write.system,
      overwritten_version: write.overwritten_version,
      known_versions: write.known_versions,
    },
  }
}
