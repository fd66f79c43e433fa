import { type DetectedFinding, findingId } from '../../contract/index.ts'
import { actorOf, causeOf, entityText } from '../cause.ts'
import { eventsOf, type StoredOf } from '../events.ts'
import type { Detector, OperationHistory } from '../history.ts'

type Violated = StoredOf<'contract_violated'>

/** What went in, came out or was answered did not fit the declared schema: the SDK checked the value itself.
 *  Primary: the event. */
export const contractViolation: Detector = {
  id: 'contract-violation',
  title: 'What crossed a boundary did not fit the contract that is declared for it',
  needs: ['contract_violated'],
  reads: ['contract_violated.boundary', 'contract_violated.issues'],
  heeds: ['contract_violated.system'],
  detect(history) {
    return eventsOf(history.events, 'contract_violated')
      .filter(({ boundary, issues }) => boundary in WHAT && issues?.length > 0)
      .map((violated) => finding(history, violated))
  },
}

const WHAT: Record<Violated['boundary'], (system: string | undefined) => string> = {
  input: () => 'was called with what its contract does not allow',
  output: () => 'returned what its contract does not allow',
  response: (system = 'the other system') =>
    `was answered by ${system} with what its contract does not allow`,
}

function finding(history: OperationHistory, violated: Violated): DetectedFinding {
  const [started] = eventsOf(history.events, 'operation_started')
  const cause = causeOf(history)
  const { boundary, issues, system } = violated
  const paths = [...new Set(issues.map(({ path }) => path))].sort()
  const about = started ? ` (${entityText(started.entity)})` : ''
  return {
    id: findingId('contract-violation', violated.id),
    kind: 'contract-violation',
    verdict: 'proven',
    severity: 'medium',
    ...(started && { entity: started.entity }),
    fields: paths,
    summary: `${actorOf(cause)}${about} ${WHAT[boundary](system)}: ${paths.join(', ')}`,
    cause,
    witness: { events: started ? [started, violated] : [violated] },
    occurred_at: violated.at,
    details: { boundary, ...(system !== undefined && { system }), issues },
  }
}
