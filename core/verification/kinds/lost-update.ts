import { assignmentOf, relation } from '../field-relation.ts'
import { foreignVersionSteps, versionName } from '../foreign-version.ts'
import { conclude, type Derivation, type Evidence, refuted, step } from '../proof.ts'
import { type EventOf, nameOf, of } from '../witness.ts'

/** A committed write replaced a version that its operation had never seen, and what it wrote into a field that had
 *  changed meanwhile can only come from before that change. */
export function deriveLostUpdate({ events }: Evidence): Derivation {
  const [write, ...more] = of(events, 'write')
  if (!write || more.length > 0) return refuted('The witness holds one write.', 'One write proves it alone.')
  const lost = lostFields(write)
  const fields = [...lost.keys()].sort()
  const steps = [
    ...foreignVersionSteps(write),
    step(
      fields.length > 0,
      'In the replaced version a field had changed since it was read, and the write set it back, or to what was computed from the old value.',
      'A field that nobody had changed, or that does not come from what was read, is not lost.',
    ),
  ]
  return conclude(steps, () => ({
    primary: write.id,
    entity: write.entity,
    fields,
    occurredAt: write.at,
    operationId: write.operation_id,
    details: {
      system: write.system,
      rules: Object.fromEntries(lost),
      overwritten_version: write.overwritten_version,
      known_versions: write.known_versions,
    },
    events: [write],
    says: `Write ${write.id} of ${nameOf(write.entity)} replaced version ${versionName(write.overwritten_version)}, which its operation had never read; ${fields.map((field) => `${field} ${SAID[lost.get(field) ?? 'revert']}`).join(', ')}`,
    onTrust: [],
  }))
}

type Rule = 'revert' | 'derived' | 'counter'

const SAID: Readonly<Record<Rule, string>> = {
  revert: 'was set back to what it had read',
  derived: 'was computed from what it had read',
  counter: 'was counted from what it had read',
}

/** The fields in which the change of another writer is gone, by name. */
export function lostFields(write: EventOf<'write'>): ReadonlyMap<string, Rule> {
  const lost = new Map<string, Rule>()
  for (const field of Object.keys(write.assigned)) {
    const changedMeanwhile = relation(write.base_fields, write.overwritten_fields, field) === 'different'
    if (!changedMeanwhile) continue
    const assignment = assignmentOf(write, field)
    const isAsRead = relation(write.base_fields, write.fields, field) === 'same'
    const isAnew = relation(write.overwritten_fields, write.fields, field) === 'different'
    if (assignment === 'counter') lost.set(field, 'counter')
    else if (assignment === 'value' && isAsRead) lost.set(field, 'revert')
    // neither what was read nor what was there: made from what was read
    else if (assignment === 'value' && isAnew) lost.set(field, 'derived')
  }
  return lost
}
