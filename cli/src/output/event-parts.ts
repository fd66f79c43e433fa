import { type EntityRef, entityKey, type StoredEvent, type WriteEvent } from '@syncproof/core/contract'
import type { Part } from './flow.ts'
import type { Labels } from './labels.ts'
import type { Style } from './terminal.ts'
import { plural, printable } from './text.ts'

type OutcomeText = 'ok' | 'failed' | 'rejected' | 'unknown'
const OUTCOME_STYLES: Readonly<Record<OutcomeText, Style>> = {
  ok: 'green',
  failed: 'red',
  rejected: 'red',
  unknown: 'yellow',
}

export function outcomePart(outcome: OutcomeText): Part {
  return { text: outcome, style: OUTCOME_STYLES[outcome] }
}

/** What an event says, in the words of a timeline.
 *  @param subject of which nothing is said where an event is about it */
export function describe(event: StoredEvent, subject: EntityRef, versions: Labels): Part[] {
  switch (event.kind) {
    case 'read':
    case 'write':
    case 'sync':
      return describeAccess(event, subject, versions)
    case 'operation_started': {
      const syncs = event.syncs?.map((sync) => sync.system).join(', ')
      return [
        { text: printable(`${event.name} starts`) },
        { text: event.attempt > 1 ? `attempt ${event.attempt}` : '' },
        { text: syncs ? printable(`must reach ${syncs}`) : '', style: 'dim' },
      ]
    }
    case 'transaction_finished':
      return [{ text: printable(`transaction ends, ${event.isolation}`) }, outcomePart(event.outcome)]
    case 'section_entered':
      return [{ text: printable(`enters ${event.name}, ${event.protection}`) }]
    case 'section_left':
      return [{ text: printable(`leaves ${event.name}`) }]
    case 'operation_finished':
      return [
        { text: 'ends' },
        outcomePart(event.outcome),
        { text: event.error ? printable(`${event.error.type}: ${event.error.message}`) : '' },
      ]
    case 'contract_violated':
      return [
        { text: `contract violated at the ${event.boundary}` },
        { text: plural(event.issues.length, 'issue') },
      ]
    case 'invariant_violated':
      return [{ text: printable(`invariant ${event.name} violated in ${event.system}`), style: 'red' }]
    default:
      return [{ text: printable((event as { kind: string }).kind) }]
  }
}

/** What an operation did to a record of a system. */
function describeAccess(
  event: Extract<StoredEvent, { kind: 'read' | 'write' | 'sync' }>,
  subject: EntityRef,
  versions: Labels,
): Part[] {
  const head = [{ text: printable(`${event.kind} ${event.system}`) }, other(event.entity, subject)]
  // versions are named in the order in which they are asked for: a write asks for the one before first
  const version = () => (event.version === undefined ? '' : versions.of(event.version))
  switch (event.kind) {
    case 'read': {
      const { found, lock } = event
      const outside = lock?.in_transaction ? '' : ' outside a transaction'
      return [
        ...head,
        { text: found ? version() : 'nothing there' },
        { text: lock ? printable(`${lock.mode}${outside}`) : '' },
      ]
    }
    case 'write':
      return [...head, { text: event.action }, ...writeParts(event, versions), outcomePart(event.outcome)]
    case 'sync':
      return [
        ...head,
        { text: event.action },
        { text: event.version === undefined ? '' : `carries ${version()}` },
        { text: event.attempt > 1 ? `attempt ${event.attempt}` : '' },
        outcomePart(event.outcome),
        { text: event.status === undefined ? '' : `status ${event.status}`, style: 'dim' },
      ]
  }
}

/** Which version a write went over, whether it knew that version, and what it changed. */
function writeParts(write: WriteEvent, versions: Labels): Part[] {
  const { overwritten_version: over, known_versions: known, base_version: base, version } = write
  const foreign =
    over !== undefined &&
    over !== 'none' &&
    !known.includes(over) &&
    write.known_incomplete !== true &&
    write.overwritten_by_self === false
  const from = over === undefined || over === 'none' ? base : over
  const step = [from, version].filter((token) => token !== undefined).map((token) => versions.of(token))
  const changed = Object.keys(write.assigned).filter(
    (field) => write.fields[field] !== write.base_fields?.[field],
  )
  const taken = Object.keys(write.overwritten_fields ?? {}).filter(
    (field) => write.overwritten_fields?.[field] !== write.base_fields?.[field],
  )
  return [
    { text: step.join(' → ') },
    { text: changed.length === 0 ? '' : printable(`sets ${changed.join(', ')}`) },
    ...(foreign
      ? [
          {
            text: printable(
              `over ${versions.of(over)}, which it had not read${taken.length === 0 ? '' : `; ${versions.of(over)} changed ${taken.join(', ')}`}`,
            ),
            style: 'red' as const,
          },
        ]
      : []),
  ]
}

/** Named only where it is not the entity that was asked for. */
function other(entity: EntityRef, subject: EntityRef): Part {
  return { text: entityKey(entity) === entityKey(subject) ? '' : printable(`${entity.type} ${entity.id}`) }
}
