import { conclude, type Derivation, type Evidence, notVerifiable, refuted, step } from '../proof.ts'
import { nameOf, of } from '../witness.ts'

/** The SDK checked a value against its declared schema and tells what did not fit. */
export function deriveContractViolation({ events, finding }: Evidence): Derivation {
  const [violated, ...more] = of(events, 'contract_violated')
  if (!violated || more.length > 0)
    return refuted('The witness holds one contract_violated.', 'It is the SDK that saw the value.')
  const { boundary, system, issues } = violated
  const started = of(events, 'operation_started').find(
    ({ operation_id }) => operation_id === violated.operation_id,
  )
  if (finding.entity && !started)
    return notVerifiable(
      `event ${violated.id} shows the violation, and not that it was about ${nameOf(finding.entity)}: only the start of the operation tells, which the witness does not hold`,
    )
  const paths = [...new Set(issues.map(({ path }) => path))].sort()
  const fits = step(
    issues.length > 0,
    'The event names at least one issue.',
    'A value without an issue fits its schema.',
  )
  return conclude([fits], () => ({
    primary: violated.id,
    entity: started?.entity,
    fields: paths,
    occurredAt: violated.at,
    operationId: violated.operation_id,
    details: { boundary, system, issues },
    events: [violated, ...(started ? [started] : [])],
    says: `Event ${violated.id}: the ${boundary} did not fit its declared schema at ${paths.join(', ')}`,
    onTrust: ['the SDK checked the value as it says: the value itself is never sent'],
  }))
}

/** The SDK evaluated a declared invariant on the row as the committed write left it. */
export function deriveInvariantViolation({ events }: Evidence): Derivation {
  const [violated, ...more] = of(events, 'invariant_violated')
  if (!violated || more.length > 0)
    return refuted('The witness holds one invariant_violated.', 'It is the SDK that saw the row.')
  return conclude([], () => ({
    primary: violated.id,
    entity: violated.entity,
    fields: [],
    occurredAt: violated.at,
    operationId: violated.operation_id,
    details: { invariant: violated.name, system: violated.system },
    events: [violated],
    says: `Event ${violated.id}: ${violated.name} is false of ${nameOf(violated.entity)} in ${violated.system}`,
    onTrust: ['the SDK evaluated the invariant as it says: the row itself is never sent'],
  }))
}
