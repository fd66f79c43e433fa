import { type Assignment, limits, type ReadEvent, type WriteEvent } from '@syncproof/core/contract'
import type { OtlpSpan } from './otlp-span.ts'
import type { SpanAttributes } from './span-attributes.ts'
import { actionOf, answered, fingerprintsOf, OUTCOMES, tokenOf } from './span-common.ts'

/** A span with `syncproof.read`. */
export function readEvent(span: OtlpSpan, attributes: SpanAttributes): ReadEvent {
  const system = attributes.required('read')
  const base = answered(span, attributes)
  const version = attributes.text('version')
  const mode = attributes.text('lock.mode')
  return {
    ...base,
    kind: 'read',
    system,
    found: attributes.flag('found') ?? true,
    version: version && tokenOf(version, system, base.entity),
    fields: fingerprintsOf(attributes, 'fields') ?? {},
    transaction: attributes.text('transaction'),
    ...(mode !== undefined && {
      lock: { mode, in_transaction: attributes.flag('lock.in_transaction') ?? false },
    }),
  }
}

const GUARDS = ['none', 'version', 'lock', 'snapshot', 'serializable'] as const
const ASSIGNMENTS: readonly Assignment[] = [
  'value',
  'supplied',
  'counter',
  'last_write_wins',
  'expression',
  'unknown',
]

/** A span with `syncproof.write`. */
export function writeEvent(span: OtlpSpan, attributes: SpanAttributes): WriteEvent {
  const system = attributes.required('write')
  const base = answered(span, attributes)
  const token = (name: string) => {
    const version = attributes.text(name)
    return version && tokenOf(version, system, base.entity)
  }
  const fields = fingerprintsOf(attributes, 'fields') ?? {}
  const transaction = attributes.text('transaction')
  return {
    ...base,
    kind: 'write',
    system,
    action: actionOf(attributes),
    base_version: token('base_version'),
    ...knownVersions(attributes, (version) => tokenOf(version, system, base.entity)),
    overwritten_version: token('overwritten_version'),
    overwritten_by_self: attributes.flag('overwritten_by_self'),
    version: token('version'),
    assigned: assignedOf(attributes) ?? allUnknown(fields),
    fields,
    base_fields: fingerprintsOf(attributes, 'base_fields'),
    overwritten_fields: fingerprintsOf(attributes, 'overwritten_fields'),
    guard: attributes.choice('guard', GUARDS) ?? 'none',
    transaction,
    outcome: attributes.choice('outcome', OUTCOMES) ?? outcomeBy(span, transaction),
    rows_over_limit: attributes.count('rows_over_limit'),
  }
}

/** Who does not say which versions it knew knew others, for all that is known: then nothing is proven. */
function knownVersions(
  attributes: SpanAttributes,
  toToken: (version: string) => string,
): Pick<WriteEvent, 'known_versions' | 'known_incomplete'> {
  const told = attributes.texts('known_versions')
  const isIncomplete = attributes.flag('known_incomplete') ?? false
  const known = [...new Set(told?.map(toToken))]
  return {
    known_versions: known.slice(-limits.knownVersionsMax),
    known_incomplete:
      isIncomplete || told === undefined || known.length > limits.knownVersionsMax || undefined,
  }
}

function assignedOf(attributes: SpanAttributes): WriteEvent['assigned'] | undefined {
  const isAssignment = (text: string): text is Assignment => ASSIGNMENTS.some((one) => one === text)
  return attributes.members('assigned', isAssignment, `must be one of ${ASSIGNMENTS.join(', ')}`)
}

function allUnknown(fields: WriteEvent['fields']): WriteEvent['assigned'] {
  return Object.fromEntries(Object.keys(fields).map((field) => [field, 'unknown']))
}

/** A write within a transaction has happened when that is committed, and its span may have ended before. */
function outcomeBy({ isError }: OtlpSpan, transaction: string | undefined): WriteEvent['outcome'] {
  const isItsOwn = transaction === undefined || transaction === 'none'
  return isError || !isItsOwn ? 'unknown' : 'ok'
}
