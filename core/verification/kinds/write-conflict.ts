import { relation } from '../field-relation.ts'
import { foreignVersionSteps, versionName } from '../foreign-version.ts'
import { conclude, type Derivation, type Evidence, refuted, step } from '../proof.ts'
import { nameOf, of } from '../witness.ts'
import { lostFields } from './lost-update.ts'

/** The same as a lost update, and no field is lost: what was written came from the caller, or nobody else had changed
 *  the fields that it wrote. */
export function deriveWriteConflict({ events }: Evidence): Derivation {
  const [write, ...more] = of(events, 'write')
  if (!write || more.length > 0) return refuted('The witness holds one write.', 'One write proves it alone.')
  const changed = Object.keys(write.overwritten_fields ?? {})
    .filter((field) => relation(write.base_fields, write.overwritten_fields, field) === 'different')
    .sort()
  const rightOnAnyVersion = new Set(['expression', 'last_write_wins'])
  const steps = [
    ...foreignVersionSteps(write),
    step(
      lostFields(write).size === 0,
      'No field was set back, or computed from a value that had changed meanwhile.',
      'Then it is a lost update.',
    ),
    step(
      write.action === 'delete' ||
        Object.values(write.assigned).some((assignment) => !rightOnAnyVersion.has(assignment)),
      'The write deleted the row, or assigned something that depends on who writes last.',
      'What SQL computes, or whose last writer wins by declaration, is right on any version.',
    ),
  ]
  return conclude(steps, () => ({
    primary: write.id,
    entity: write.entity,
    fields: changed,
    occurredAt: write.at,
    operationId: write.operation_id,
    details: {
      system: write.system,
      overwritten_version: write.overwritten_version,
      known_versions: write.known_versions,
    },
    events: [write],
    says: `Write ${write.id} of ${nameOf(write.entity)} replaced version ${versionName(write.overwritten_version)}, which its operation had never read`,
    onTrust: [],
  }))
}
