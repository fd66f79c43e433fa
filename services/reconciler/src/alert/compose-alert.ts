import type { Alert, Finding } from '@syncproof/core/contract'
import type { AlertingGroup, AlertMessage, GroupSample, NewAlert } from '@syncproof/store'
import { lineOf } from './line.ts'

/** Sinks show some lines, and PagerDuty's summary has 1,024 characters. */
const NAME_LENGTH_MAX = 128
const SUMMARY_LENGTH_MAX = 500
const FIELDS_MAX = 20

/** The message about a group that changes its state now. */
export function composeAlert(given: {
  readonly projectId: string
  readonly group: AlertingGroup
  readonly sample: GroupSample
  readonly next: NewAlert
  readonly owner: string | null
}): AlertMessage {
  const { projectId, group, sample, next } = given
  const { severity, owner } = labelsOf(given)
  const name = (text: string | null) => (text === null ? null : lineOf(text, NAME_LENGTH_MAX))
  const operation = name(group.operation)
  const entityType = name(group.entity_type)
  return {
    dedupKey: `syncproof/${projectId}/${group.id}`,
    state: next.state,
    project: projectId,
    kind: group.kind,
    severity,
    pair: group.pair,
    operation,
    entityType,
    owner: name(owner),
    title: titleOf(group, operation, entityType),
    summary: summaryOf(group, sample, next),
    findings: group.findings,
    open: sample.open,
    ...(sample.newest && { finding: exampleOf(sample.newest) }),
    since: group.opened_at,
    at: new Date().toISOString(),
    help: `docs/findings/${group.kind}.md`,
    command: commandOf(group),
  }
}

/** What has been told stays until it is over: a sink may tell alerts apart by it. */
function labelsOf({ group, next, owner }: Parameters<typeof composeAlert>[0]) {
  const told = group.told[next.sink]
  return told ?? { severity: group.severity, owner }
}

function titleOf({ kind, pair }: AlertingGroup, operation: string | null, entityType: string | null): string {
  const by = operation === null ? '' : ` by ${operation}`
  const of = pair === null ? (entityType === null ? '' : ` on ${entityType}`) : ` in pair ${pair}`
  return `${kind}${by}${of}`
}

function summaryOf(group: AlertingGroup, { newest }: GroupSample, { state }: NewAlert): string {
  if (state !== 'resolved') return lineOf(newest?.summary ?? '', SUMMARY_LENGTH_MAX)
  return group.resolution === null ? 'The group was muted.' : lineOf(group.resolution.why, SUMMARY_LENGTH_MAX)
}

function exampleOf({ id, entity, fields, cause }: Finding): Alert['finding'] {
  const { service, release, trace_id: traceId } = cause
  return {
    id,
    ...(entity && {
      entity: { type: lineOf(entity.type, NAME_LENGTH_MAX), id: lineOf(entity.id, NAME_LENGTH_MAX) },
    }),
    fields: fields.slice(0, FIELDS_MAX).map((field) => lineOf(field, NAME_LENGTH_MAX)),
    ...(service !== undefined && { service: lineOf(service, NAME_LENGTH_MAX) }),
    ...(release !== undefined && { release: lineOf(release, NAME_LENGTH_MAX) }),
    // it comes from the app, and some sinks take nothing else for one
    ...(traceId !== undefined && /^[0-9a-f]{32}$/.test(traceId) && { traceId }),
  }
}

/** People copy it into a shell: a name that is more than a word is left out. */
function commandOf({ kind, operation, entity_type }: AlertingGroup): string {
  const option = (name: string, value: string | null) =>
    value !== null && /^[\w.:-]+$/.test(value) && !value.startsWith('-') ? ` --${name} ${value}` : ''
  return `syncproof findings --kind ${kind}${option('operation', operation)}${option('entity-type', entity_type)}`
}
