import { type Cause, type FindingKind, findingId } from '../contract/index.ts'
import type { FindingInput } from './finding-input.ts'
import { type Claim, type Step, step } from './proof.ts'
import { type EventOf, of } from './witness.ts'

/** The finding says what its events say, and nothing else. */
export function claimSteps(
  kind: FindingKind,
  finding: FindingInput,
  claim: Claim,
  held: Claim['events'],
): readonly Step[] {
  const { cause } = finding
  const [start] = of(held, 'operation_started').filter(
    ({ operation_id }) => operation_id === claim.operationId,
  )
  const used = new Set(claim.events.map(({ id }) => id))
  const isUsed = (event: Claim['events'][number]) => used.has(event.id) || event === start
  return [
    step(
      held.every(isUsed),
      'Every event of the witness is part of the proof.',
      'A witness is the smallest set: another event was put in.',
    ),
    step(
      finding.id === findingId(kind, claim.primary),
      'The id of the finding is that of its kind and of these events.',
      'It is another finding, or one of its events was exchanged.',
    ),
    step(
      sameJson(finding.entity, claim.entity),
      'The entity is the one that the events name.',
      'It is another record.',
    ),
    step(
      sameJson([...finding.fields].sort(), [...claim.fields].sort()),
      'The fields are those that follow from the events.',
      `From the events follows: ${claim.fields.join(', ') || 'none'}.`,
    ),
    step(
      claim.severity === undefined || finding.severity === claim.severity,
      'The severity is the one that follows from what the operation had done.',
      `From the events follows: ${claim.severity}.`,
    ),
    step(
      Date.parse(finding.occurred_at) === Date.parse(claim.occurredAt),
      'The time is that of the event.',
      `By the event it was ${claim.occurredAt}.`,
    ),
    ...causeSteps(cause, claim, start),
    ...Object.entries(claim.details).map(([name, value]) =>
      step(
        sameJson(finding.details[name], value),
        `${name} is what the events say.`,
        `By the events it is ${plain(value)}.`,
      ),
    ),
  ]
}

function causeSteps(
  cause: Cause,
  claim: Claim,
  start: EventOf<'operation_started'> | undefined,
): readonly Step[] {
  return [
    step(
      cause.operation_id === claim.operationId,
      'The cause is the operation that the events name.',
      `By the events it was ${claim.operationId}.`,
    ),
    step(
      start === undefined || (cause.operation === start.name && cause.trace_id === start.trace_id),
      'Function and trace are those of the start of the operation.',
      'It is another function, or another trace.',
    ),
  ]
}

/** What the finding names and no event of the witness tells. */
export function causeOnTrust(
  { cause }: FindingInput,
  { operationId }: Claim,
  held: Claim['events'],
): readonly string[] {
  const isTold = of(held, 'operation_started').some(({ operation_id }) => operation_id === operationId)
  const { operation, trace_id, service, release } = cause
  const name = !isTold && operation !== undefined ? [`is ${operation}`] : []
  const trace = !isTold && trace_id !== undefined ? [`has the trace ${trace_id}`] : []
  const ran = service === undefined ? [] : [`ran in ${service}${release === undefined ? '' : ` ${release}`}`]
  const parts = [...name, ...trace, ...ran]
  return parts.length === 0 ? [] : [`operation ${operationId} ${parts.join(', ')}`]
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Whether two JSON values are the same, whatever the order of their members. */
function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(ordered(a)) === JSON.stringify(ordered(b))
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, ordered(member)])
}
